package manage

import (
	"context"
	"net/url"
	"strings"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// settingPublicURL is the name under which the database keeps the public URL.
const settingPublicURL = "public-url"

// PublicURL returns the base URL of the plain HTTP listener that serves revocation lists and issuers; "" before the set-up.
func (s *Service) PublicURL(ctx context.Context) (string, error) {
	return s.store.Setting(ctx, settingPublicURL)
}

// SetPublicURL changes it. The issuers with a key on this machine begin a new shard each, so that certificates made
// from now on name the new URL; those made before name the old one as long as they live, so it must stay reachable.
// Setting the same URL again changes nothing. Error: Malformed for what is no base URL.
func (s *Service) SetPublicURL(ctx context.Context, base string) error {
	base, err := checkPublicURL(base)
	if err != nil {
		return err
	}
	all, err := s.store.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.Key == "" || !s.now().Before(i.NotAfter) || i.Shard.URL == pki.ShardURL(base, i.ID, i.Shard.Number) {
			continue
		}
		if err := s.store.OpenShard(ctx, i.ID, i.NextShard(base), pki.ShardRoom); err != nil {
			return err
		}
	}
	return s.store.PutSetting(ctx, settingPublicURL, base)
}

// checkPublicURL returns the base URL without a slash at its end.
func checkPublicURL(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || !isWebAddress(base) || u.RawQuery != "" || u.Fragment != "" {
		return "", fault.New(fault.Malformed, "%q is no base URL for revocation lists; write it like http://pki.example.com or http://192.0.2.1:8080.", clip(base))
	}
	return strings.TrimRight(base, "/"), nil
}
