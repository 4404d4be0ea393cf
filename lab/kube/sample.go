package main

import (
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	"k8s.io/sample-apiserver/pkg/cmd/server"
)

// sampleServiceName is the name of the lab's Service for the sample API server: the aggregator verifies the serving certificate against it.
const sampleServiceName = "api.wardle.svc"

// sampleAPIServer runs k8s.io/sample-apiserver, the upstream example of an aggregated API server. It makes its own serving CA.
func sampleAPIServer() int {
	options := server.NewWardleServerOptions(os.Stdout, os.Stderr)
	options.AlternateDNS = []string{sampleServiceName}
	return cli.Run(server.NewCommandStartWardleServer(genericapiserver.SetupSignalContext(), options, false))
}
