package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"

	"github.com/spf13/pflag"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// csr makes a P-256 key (into --key-out, mode 0600) and prints a certificate signing request for it.
func csr() int {
	flags := pflag.NewFlagSet("csr", pflag.ExitOnError)
	name := flags.String("common-name", "", "subject's common name")
	organizations := flags.StringSlice("organization", nil, "subject's organizations")
	addresses := flags.IPSlice("ip", nil, "IP addresses to ask for")
	keyOut := flags.String("key-out", "", "file for the private key")
	_ = flags.Parse(os.Args[1:])
	if err := writeCSR(pkix.Name{CommonName: *name, Organization: *organizations}, *addresses, *keyOut); err != nil {
		fmt.Fprintln(os.Stderr, "csr:", err)
		return 1
	}
	return 0
}

func writeCSR(subject pkix.Name, addresses []net.IP, keyOut string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject, IPAddresses: addresses}, key)
	if err != nil {
		return err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	if err := keyutil.WriteKey(keyOut, keyPEM); err != nil {
		return err
	}
	return pem.Encode(os.Stdout, &pem.Block{Type: certutil.CertificateRequestBlockType, Bytes: der})
}
