package admin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/web"
)

// problem is what an error looks like from outside. What has no kind is told in the log only.
func problem(err error, id string) adminapi.Error {
	kind := fault.KindOf(err)
	if kind == fault.Internal {
		return adminapi.Error{
			Kind: adminapi.KindInternal, RequestID: id,
			Message: "The server failed; its log tells why under this request's id.",
		}
	}
	return adminapi.Error{Kind: strings.ReplaceAll(string(kind), " ", "_"), Message: fault.Sentence(err), RequestID: id}
}

func statusOf(err error) int {
	if refusal, ok := errors.AsType[*web.Refusal](err); ok && refusal.Status != 0 {
		return refusal.Status
	}
	switch fault.KindOf(err) {
	case fault.Internal:
		return http.StatusInternalServerError
	case fault.NotFound, fault.NotServed:
		return http.StatusNotFound
	case fault.Conflict, fault.AlreadyRevoked, fault.NotReady:
		return http.StatusConflict
	case fault.Unauthorized:
		return http.StatusForbidden
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}
