package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// errGone says that what was asked is not there any more, and was not to be.
var errGone = errors.New("gone")

// badAnswer is an answer that is not a success, with the message of the Status object in it.
type badAnswer struct {
	status  int
	message string
}

func (b *badAnswer) Error() string { return fmt.Sprintf("HTTP %d: %s", b.status, b.message) }

// answered reads an answer to its end; one that is not 2xx is an error.
func answered(response *http.Response) (string, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return "", &badAnswer{status: response.StatusCode, message: messageIn(body)}
	}
	return string(body), err
}

func messageIn(body []byte) string {
	var status struct{ Message string }
	if json.Unmarshal(body, &status) == nil && status.Message != "" {
		return status.Message
	}
	return string(body[:min(len(body), 200)])
}

// classifyFailure gives the classes of docs/load.md. A 5xx whose message blames TLS is a certificate failure one hop further.
func classifyFailure(err error) (class, text string) {
	text = strings.Join(strings.Fields(err.Error()), " ")
	text = text[:min(len(text), 500)]
	var bad *badAnswer
	var status apierrors.APIStatus
	code := 0
	if errors.As(err, &bad) {
		code = bad.status
	} else if errors.As(err, &status) {
		code = int(status.Status().Code)
	}
	var verification *tls.CertificateVerificationError
	switch {
	case code == http.StatusUnauthorized:
		return "authentication", text
	case errors.As(err, &verification), blamesTLS(text):
		return "certificate", text
	case code >= 500:
		return "http-5xx", text
	case code > 0:
		return "other", text
	case isTimeout(err):
		return "timeout", text
	case isConnection(err):
		return "connection", text
	}
	return "other", text
}

// blamesTLS knows the prefixes of crypto/x509 and crypto/tls, and the alerts of a peer that refused this side's certificate.
func blamesTLS(text string) bool {
	for _, part := range []string{"x509: ", "tls: ", "failed to verify certificate"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

func isTimeout(err error) bool {
	var timed net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timed) && timed.Timeout()
}

func isConnection(err error) bool {
	var operation *net.OpError
	var name *net.DNSError
	var asked *url.Error
	return errors.As(err, &operation) || errors.As(err, &name) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &asked)
}
