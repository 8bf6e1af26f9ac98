package query

import (
	"context"
	"database/sql"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
)

// The columns of what an operator declares, each in the order of the function with the same name and Values.
const (
	OrganisationColumns = "id, name, created"
	ProfileColumns      = "id, organisation, name, version, created, spec"
	ConnectorColumns    = "id, organisation, name, kind, created, suspended, rules"
	CredentialColumns   = "id, organisation, connector, name, kind, sealed, max_accounts, created, expires, suspended, scope, former, former_until"
)

const (
	selectProfile    = "SELECT " + ProfileColumns + " FROM profiles "
	selectConnector  = "SELECT " + ConnectorColumns + " FROM connectors "
	selectCredential = "SELECT " + CredentialColumns + " FROM credentials "
)

// OrganisationValues is the row of an organisation.
func OrganisationValues(o policy.Organisation) []any { return []any{o.ID, o.Name, Seconds(o.Created)} }

// Organisations returns all organisations by name.
func Organisations(ctx context.Context, q Querier) ([]policy.Organisation, error) {
	return all(ctx, q, func(rows *sql.Rows) (o policy.Organisation, err error) {
		var created int64
		err = rows.Scan(&o.ID, &o.Name, &created)
		o.Created = moment(created)
		return o, err
	}, "SELECT "+OrganisationColumns+" FROM organisations ORDER BY name")
}

// ProfileValues is the row of a profile version.
func ProfileValues(p pki.Profile) ([]any, error) {
	spec, err := document(p.Spec)
	return []any{p.ID, p.Organisation, p.Name, p.Version, Seconds(p.Created), spec}, err
}

func profile(rows *sql.Rows) (p pki.Profile, err error) {
	var (
		created int64
		spec    string
	)
	if err := rows.Scan(&p.ID, &p.Organisation, &p.Name, &p.Version, &created, &spec); err != nil {
		return p, err
	}
	p.Created = moment(created)
	return p, parse("profile", spec, &p.Spec)
}

// Profile returns a profile version; NotFound without one.
func Profile(ctx context.Context, q Querier, id string) (pki.Profile, error) {
	return one(ctx, q, "profile", profile, selectProfile+"WHERE id = ?", id)
}

// ProfileVersion returns the newest version number of a profile; 0 without one.
func ProfileVersion(ctx context.Context, q Querier, organisation, name string) (int, error) {
	return one(ctx, q, "profile", scalar[int],
		"SELECT coalesce(max(version), 0) FROM profiles WHERE organisation = ? AND name = ?", organisation, name)
}

// Profiles returns the newest version of each profile of an organisation ("" for all), by name.
func Profiles(ctx context.Context, q Querier, organisation string) ([]pki.Profile, error) {
	return all(ctx, q, profile, selectProfile+"WHERE (organisation = ? OR ? = '') AND version = "+
		"(SELECT max(version) FROM profiles v WHERE v.organisation = profiles.organisation AND v.name = profiles.name) "+
		"ORDER BY name, organisation", organisation, organisation)
}

// ConnectorValues is the row of a connector.
func ConnectorValues(c policy.Connector) ([]any, error) {
	rules, err := Rules(c.Rules)
	return []any{c.ID, c.Organisation, c.Name, c.Kind, Seconds(c.Created), Seconds(c.Suspended), rules}, err
}

// Rules is how a connector's rules stand in its row.
func Rules(r policy.Rules) (string, error) { return document(r) }

func connector(rows *sql.Rows) (c policy.Connector, err error) {
	var (
		created, suspended int64
		rules              string
	)
	if err := rows.Scan(&c.ID, &c.Organisation, &c.Name, &c.Kind, &created, &suspended, &rules); err != nil {
		return c, err
	}
	c.Created, c.Suspended = moment(created), moment(suspended)
	return c, parse("rules", rules, &c.Rules)
}

// Connector returns a connector by id; NotFound without one.
func Connector(ctx context.Context, q Querier, id string) (policy.Connector, error) {
	return one(ctx, q, "connector", connector, selectConnector+"WHERE id = ?", id)
}

// ConnectorByName returns a connector by name; NotFound without one.
func ConnectorByName(ctx context.Context, q Querier, name string) (policy.Connector, error) {
	return one(ctx, q, "connector", connector, selectConnector+"WHERE name = ?", name)
}

// Connectors returns all connectors by name.
func Connectors(ctx context.Context, q Querier) ([]policy.Connector, error) {
	return all(ctx, q, connector, selectConnector+"ORDER BY name")
}

// CredentialValues is the row of a credential.
func CredentialValues(c policy.Credential) ([]any, error) {
	scope, err := Scope(c.Scope)
	return []any{
		c.ID, c.Organisation, c.Connector, c.Name, c.Kind, octets(c.Sealed), c.MaxAccounts, Seconds(c.Created), Seconds(c.Expires),
		Seconds(c.Suspended), scope, octets(c.Former.Sealed), Seconds(c.Former.Until),
	}, err
}

// Scope is how a credential's scope stands in its row.
func Scope(s policy.Scope) (string, error) { return document(s) }

// octets is how octets stand in a row, none included.
func octets(some []byte) []byte {
	if some == nil {
		return []byte{}
	}
	return some
}

func credential(rows *sql.Rows) (c policy.Credential, err error) {
	var (
		created, expires, suspended, until int64
		scope                              string
	)
	err = rows.Scan(&c.ID, &c.Organisation, &c.Connector, &c.Name, &c.Kind, &c.Sealed, &c.MaxAccounts, &created, &expires, &suspended,
		&scope, &c.Former.Sealed, &until)
	if err != nil {
		return c, err
	}
	c.Created, c.Expires, c.Suspended, c.Former.Until = moment(created), moment(expires), moment(suspended), moment(until)
	return c, parse("scope", scope, &c.Scope)
}

// Credential returns a credential; NotFound without one.
func Credential(ctx context.Context, q Querier, id string) (policy.Credential, error) {
	return one(ctx, q, "credential", credential, selectCredential+"WHERE id = ?", id)
}

// UsableCredential returns a credential, and whether it opens the door at now; a missing one does not.
func UsableCredential(ctx context.Context, q Querier, id string, now time.Time) (c policy.Credential, usable bool, err error) {
	c, found, err := first(ctx, q, credential, selectCredential+"WHERE id = ?", id)
	if err != nil || !found {
		return c, false, err
	}
	usable, _ = c.Usable(now)
	return c, usable, nil
}

// Credentials returns the credentials of a connector ("" for all), by name.
func Credentials(ctx context.Context, q Querier, connector string) ([]policy.Credential, error) {
	return all(ctx, q, credential, selectCredential+"WHERE connector = ? OR ? = '' ORDER BY name, id", connector, connector)
}

// PerspectiveColumns are those of a perspective, in the order of PerspectiveValues.
const PerspectiveColumns = "id, name, url, key, region, created"

const selectPerspective = "SELECT " + PerspectiveColumns + " FROM perspectives "

// PerspectiveValues is the row of a perspective.
func PerspectiveValues(p policy.Perspective) []any {
	return []any{p.ID, p.Name, p.URL, p.Key[:], p.Region, Seconds(p.Created)}
}

func perspective(rows *sql.Rows) (p policy.Perspective, err error) {
	var key []byte
	var created int64
	err = rows.Scan(&p.ID, &p.Name, &p.URL, &key, &p.Region, &created)
	copy(p.Key[:], key)
	p.Created = moment(created)
	return p, err
}

// PerspectiveByName returns a perspective by name; NotFound without one.
func PerspectiveByName(ctx context.Context, q Querier, name string) (policy.Perspective, error) {
	return one(ctx, q, "perspective", perspective, selectPerspective+"WHERE name = ?", name)
}

// Perspective returns a perspective by id; NotFound without one.
func Perspective(ctx context.Context, q Querier, id string) (policy.Perspective, error) {
	return one(ctx, q, "perspective", perspective, selectPerspective+"WHERE id = ?", id)
}

// Perspectives returns all perspectives by name.
func Perspectives(ctx context.Context, q Querier) ([]policy.Perspective, error) {
	return all(ctx, q, perspective, selectPerspective+"ORDER BY name")
}

// Setting returns a setting; "" when it was never set.
func Setting(ctx context.Context, q Querier, name string) (string, error) {
	value, _, err := first(ctx, q, scalar[string], "SELECT value FROM settings WHERE name = ?", name)
	return value, err
}

// ConnectorSuspended reports whether a connector is suspended.
func ConnectorSuspended(ctx context.Context, q Querier, id string) (bool, error) {
	return exists(ctx, q, "SELECT 1 FROM connectors WHERE id = ? AND suspended <> 0", id)
}
