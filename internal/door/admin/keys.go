package admin

import (
	"net/http"

	"github.com/everleaf-pki/everleaf/internal/adminapi"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

func (d *door) blockKeys(r *http.Request) (any, error) {
	var b adminapi.BlockKeys
	if err := decode(r, &b); err != nil {
		return nil, err
	}
	keys, err := d.keysOf(r, b)
	if err != nil {
		return nil, err
	}
	added, err := d.manage.BlockKeys(r.Context(), d.by(r), keys)
	return adminapi.KeysBlocked{Added: added, Known: len(keys) - added}, err
}

func (d *door) keysOf(r *http.Request, b adminapi.BlockKeys) ([]pki.KeyHash, error) {
	if b.Certificate != "" {
		if len(b.Keys) > 0 {
			return nil, fault.New(fault.Malformed, "Name keys or a certificate, not both.")
		}
		c, err := d.manage.Certificate(r.Context(), b.Certificate)
		return []pki.KeyHash{c.KeyHash}, err
	}
	var keys []pki.KeyHash
	for _, text := range b.Keys {
		key, err := pki.ParseKeyHash(text)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (d *door) blockedKeys(r *http.Request) (any, error) {
	page, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	var after pki.KeyHash
	if text := parameter(r, "after"); text != "" {
		if after, err = pki.ParseKeyHash(text); err != nil {
			return nil, err
		}
	}
	limit := page.Limit
	if limit == 0 {
		limit = adminapi.MaxPage
	}
	found, err := d.manage.BlockedKeys(r.Context(), after, limit)
	answer := adminapi.BlockedKeys{Keys: each(found, func(k pki.BlockedKey) adminapi.BlockedKey {
		return adminapi.BlockedKey{Key: k.Key.String(), Since: adminapi.Date(k.Since)}
	})}
	if len(found) == limit {
		answer.Next = found[limit-1].Key.String()
	}
	return answer, err
}
