package issue

import (
	"context"
	"log/slog"
	"strings"
	"sync"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// Profiles returns the profiles that a connector offers, in the sequence of its rules. A name without a profile is left
// out, and told to the log when it turns up: it is for the operator to mend, and no client can.
func (s *Service) Profiles(ctx context.Context, c policy.Connector) ([]pki.Profile, error) {
	existing, err := s.profiles(ctx, c.Organisation)
	if err != nil {
		return nil, err
	}
	var offered []pki.Profile
	var missing []string
	for _, name := range c.Rules.Profiles {
		if p, ok := existing[name]; ok {
			offered = append(offered, p)
		} else {
			missing = append(missing, name)
		}
	}
	if list := strings.Join(missing, ", "); s.missing.changed(c.ID, list) && list != "" {
		s.log.Error("a connector offers profiles that do not exist; create them, or set its profiles",
			slog.String("connector", c.Name), slog.String("profiles", list))
	}
	return offered, nil
}

// profile returns the newest version of the profile that an order gets. Error: InvalidProfile with what the requester,
// or when none is left the operator, can do.
func (s *Service) profile(ctx context.Context, a policy.Authority, asked string) (pki.Profile, error) {
	offered, err := s.Profiles(ctx, a.Connector)
	if err != nil {
		return pki.Profile{}, err
	}
	if len(offered) == 0 {
		return pki.Profile{}, fault.New(fault.InvalidProfile,
			"This connector has no profile to issue by; the operator of the CA must set its profiles to existing ones (everleaf connector set).")
	}
	name, err := a.Profile(asked)
	if err != nil {
		return pki.Profile{}, err
	}
	for _, p := range offered {
		if p.Name == name {
			return p, nil
		}
	}
	return pki.Profile{}, fault.New(fault.InvalidProfile, "The profile %q does not exist any more; ask for one that the directory lists.", name)
}

// profiles returns the newest version of each profile of an organisation by its name.
func (s *Service) profiles(ctx context.Context, organisation string) (map[string]pki.Profile, error) {
	all, err := s.store.Profiles(ctx, organisation)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]pki.Profile, len(all))
	for _, p := range all {
		byName[p.Name] = p
	}
	return byName, nil
}

// notes remembers one text for each of a few objects.
type notes struct {
	mu    sync.Mutex
	texts map[string]string
}

// changed notes the text of an object, and reports whether it was another before. "" is forgotten.
func (n *notes) changed(object, text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.texts[object] == text {
		return false
	}
	if text == "" {
		delete(n.texts, object)
		return true
	}
	if n.texts == nil {
		n.texts = make(map[string]string)
	}
	n.texts[object] = text
	return true
}
