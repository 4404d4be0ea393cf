package main

import (
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/component-base/cli"
	"k8s.io/sample-apiserver/pkg/cmd/server"
)

// sampleAPIServer runs k8s.io/sample-apiserver, the upstream example of an aggregated API server.
func sampleAPIServer() int {
	options := server.NewWardleServerOptions(os.Stdout, os.Stderr)
	return cli.Run(server.NewCommandStartWardleServer(genericapiserver.SetupSignalContext(), options, false))
}
