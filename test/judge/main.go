// A judge for certificates: reads one question a line as JSON on standard input, answers one line each, in order.
// It is Go's own crypto/x509 and crypto/tls, that is, what Kubernetes and etcd do with the same bytes.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"
)

type question struct {
	Op string `json:"op"` // verify, describe, pair, csr
	// Certificates as DER, base64.
	Chain   [][]byte `json:"chain"`
	Anchors [][]byte `json:"anchors"`
	Usage   string   `json:"usage"`
	Name    string   `json:"name"`
	Now     int64    `json:"now"` // milliseconds since the epoch
	// PEM texts.
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

type answer struct {
	OK          bool         `json:"ok"`
	Error       string       `json:"error,omitempty"`
	Description *description `json:"description,omitempty"`
}

type description struct {
	Subject        string   `json:"subject"`
	Issuer         string   `json:"issuer"`
	Serial         string   `json:"serial"`
	NotBefore      int64    `json:"notBefore"`
	NotAfter       int64    `json:"notAfter"`
	IsCA           bool     `json:"isCA"`
	PathLen        *int     `json:"pathLen"`
	KeyID          string   `json:"keyId"`
	AuthorityKeyID string   `json:"authorityKeyId"`
	KeyUsage       int      `json:"keyUsage"`
	ServerAuth     bool     `json:"serverAuth"`
	ClientAuth     bool     `json:"clientAuth"`
	DNSNames       []string `json:"dnsNames"`
	IPAddresses    []string `json:"ipAddresses"`
	CommonName     string   `json:"commonName"`
	Organizations  []string `json:"organizations"`
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	decoder := json.NewDecoder(in)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for decoder.More() {
		var q question
		if err := decoder.Decode(&q); err != nil {
			fmt.Fprintln(os.Stderr, "judge:", err)
			os.Exit(1)
		}
		d, err := judge(q)
		a := answer{OK: err == nil, Description: d}
		if err != nil {
			a.Error = err.Error()
		}
		if err := encoder.Encode(a); err != nil {
			os.Exit(1)
		}
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}

func judge(q question) (*description, error) {
	switch q.Op {
	case "verify":
		return nil, verify(q)
	case "describe":
		return describe(q.Chain)
	case "pair":
		_, err := tls.X509KeyPair([]byte(q.Cert), []byte(q.Key))
		return nil, err
	case "csr":
		return request(q.Cert)
	}
	return nil, fmt.Errorf("judge: no such question: %q", q.Op)
}

func verify(q question) error {
	chain, err := parseAll(q.Chain)
	if err != nil {
		return err
	}
	anchors, err := parseAll(q.Anchors)
	if err != nil {
		return err
	}
	usage := map[string]x509.ExtKeyUsage{"serverAuth": x509.ExtKeyUsageServerAuth, "clientAuth": x509.ExtKeyUsageClientAuth}[q.Usage]
	if len(chain) == 0 || usage == 0 {
		return errors.New("judge: a chain and a usage are needed")
	}
	options := x509.VerifyOptions{
		Roots:         x509.NewCertPool(),
		Intermediates: x509.NewCertPool(),
		CurrentTime:   time.UnixMilli(q.Now),
		KeyUsages:     []x509.ExtKeyUsage{usage},
		DNSName:       q.Name,
	}
	for _, c := range anchors {
		options.Roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	_, err = chain[0].Verify(options)
	return err
}

func parseAll(ders [][]byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for i, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func describe(ders [][]byte) (*description, error) {
	all, err := parseAll(ders)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		return nil, errors.New("judge: one certificate is described at a time")
	}
	c := all[0]
	d := &description{
		Subject:        nameText(c.RawSubject),
		Issuer:         nameText(c.RawIssuer),
		Serial:         c.SerialNumber.Text(16),
		NotBefore:      c.NotBefore.UnixMilli(),
		NotAfter:       c.NotAfter.UnixMilli(),
		IsCA:           c.IsCA,
		KeyID:          hex.EncodeToString(c.SubjectKeyId),
		AuthorityKeyID: hex.EncodeToString(c.AuthorityKeyId),
		KeyUsage:       int(c.KeyUsage),
		DNSNames:       c.DNSNames,
		CommonName:     c.Subject.CommonName,
		Organizations:  c.Subject.Organization,
	}
	if c.MaxPathLen > 0 || c.MaxPathLenZero {
		d.PathLen = &c.MaxPathLen
	}
	for _, usage := range c.ExtKeyUsage {
		d.ServerAuth = d.ServerAuth || usage == x509.ExtKeyUsageServerAuth
		d.ClientAuth = d.ClientAuth || usage == x509.ExtKeyUsageClientAuth
	}
	for _, ip := range c.IPAddresses {
		d.IPAddresses = append(d.IPAddresses, ip.String())
	}
	return d, nil
}

func nameText(raw []byte) string {
	var rdns pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &rdns); err != nil {
		return "unreadable: " + err.Error()
	}
	return rdns.String()
}

func request(text string) (*description, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, errors.New("no certificate request block")
	}
	r, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, err
	}
	if err := r.CheckSignature(); err != nil {
		return nil, err
	}
	d := &description{
		Subject:       nameText(r.RawSubject),
		CommonName:    r.Subject.CommonName,
		Organizations: r.Subject.Organization,
		DNSNames:      r.DNSNames,
	}
	for _, ip := range r.IPAddresses {
		d.IPAddresses = append(d.IPAddresses, ip.String())
	}
	return d, nil
}
