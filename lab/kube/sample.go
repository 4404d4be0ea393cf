package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/spf13/cobra"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/healthz"
	"k8s.io/component-base/cli"
	"k8s.io/sample-apiserver/pkg/cmd/server"
)

// sampleServiceName is the name of the lab's Service for the sample API server: the aggregator verifies the serving certificate against it.
const sampleServiceName = "api.wardle.svc"

// sampleAPIServer runs k8s.io/sample-apiserver, the upstream example of an aggregated API server. It makes its own serving CA.
func sampleAPIServer() int {
	options := server.NewWardleServerOptions(os.Stdout, os.Stderr)
	options.AlternateDNS = []string{sampleServiceName}
	command := server.NewCommandStartWardleServer(genericapiserver.SetupSignalContext(), options, false)
	command.RunE = func(c *cobra.Command, args []string) error {
		if err := errors.Join(options.Complete(), options.Validate(args)); err != nil {
			return err
		}
		return serveWhenReady(c.Context(), options)
	}
	return cli.Run(command)
}

// serveWhenReady is upstream's RunWardleServer with one more readiness check. Upstream is ready before its informer has read the front-proxy CA from
// kube-system/extension-apiserver-authentication; until then it asks no client for a certificate, and who comes through the aggregator is anonymous
// (k8s.io/apiserver/pkg/server/dynamiccertificates/tlsconfig.go, configmap_cafile_content.go).
func serveWhenReady(ctx context.Context, options *server.WardleServerOptions) error {
	config, err := options.Config()
	if err != nil {
		return err
	}
	started, err := config.Complete().New()
	if err != nil {
		return err
	}
	frontProxy := config.GenericConfig.Authentication.RequestHeaderConfig
	err = started.GenericAPIServer.AddReadyzChecks(healthz.NamedCheck("front-proxy-ca", func(*http.Request) error {
		if frontProxy != nil && len(frontProxy.CAContentProvider.CurrentCABundleContent()) == 0 {
			return errors.New("the front-proxy CA is not read yet")
		}
		return nil
	}))
	if err != nil {
		return err
	}
	started.GenericAPIServer.AddPostStartHookOrDie("start-sample-server-informers", func(hook genericapiserver.PostStartHookContext) error {
		config.GenericConfig.SharedInformerFactory.Start(hook.Done())
		options.SharedInformerFactory.Start(hook.Done())
		return nil
	})
	return started.GenericAPIServer.PrepareRun().RunWithContext(ctx)
}
