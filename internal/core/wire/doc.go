// Package wire is the JSON of ACME: what the objects of RFC 8555 look like on their way, with the sentence of the RFC
// beside the field. It holds no rules beyond the shape.
//
// Objects are written by a server and read by a client; requests are read by a server. Requests name only the members
// that a client may set, so that members which the server owns, and unknown ones, are ignored and never reflected
// (section 7.3).
package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Media types of RFC 8555.
const (
	MediaType        = "application/json"
	JOSE             = "application/jose+json"             // section 6.2
	CertificatePEM   = "application/pem-certificate-chain" // section 9.1
	CertificateDER   = "application/pkix-cert"             // RFC 2585
	CertificatePKCS7 = "application/pkcs7-mime"            // RFC 8551
)

// Marshal writes an object. Text stands as it is, without the escapes that HTML would want.
func Marshal(object any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
