package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/everleaf-pki/everleaf/internal/core/event"
	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
	"github.com/everleaf-pki/everleaf/internal/core/policy"
	"github.com/everleaf-pki/everleaf/internal/store/query"
)

// declare stores one row of what an operator declares; taken is the sentence when its name is.
func (db *DB) declare(ctx context.Context, table, columns string, values []any, taken error, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		if _, err := tx.exec(query.Insert(table, columns), values...); err != nil {
			if isDuplicate(err) {
				return taken
			}
			return err
		}
		return tx.record(e)
	})
}

// change runs a statement that changes one row of what an operator declares; NotFound when there is none.
func (db *DB) change(ctx context.Context, what string, e event.Event, text string, args ...any) error {
	return execute(ctx, db, func(tx *tx) error {
		changed, err := tx.exec(text, args...)
		if err != nil {
			return err
		}
		if changed == 0 {
			return query.Missing(what)
		}
		return tx.record(e)
	})
}

// CreateOrganisation implements store.Declarations.
func (db *DB) CreateOrganisation(ctx context.Context, o policy.Organisation, e event.Event) error {
	taken := fault.New(fault.Conflict, "There is an organisation named %s already.", o.Name)
	return db.declare(ctx, "organisations", query.OrganisationColumns, query.OrganisationValues(o), taken, e)
}

// Organisations implements store.Declarations.
func (db *DB) Organisations(ctx context.Context) ([]policy.Organisation, error) {
	return read(ctx, db, func(q query.Querier) ([]policy.Organisation, error) { return query.Organisations(ctx, q) })
}

// SaveProfile implements store.Declarations.
func (db *DB) SaveProfile(ctx context.Context, p pki.Profile, e event.Event) error {
	values, err := query.ProfileValues(p)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		newest, err := query.ProfileVersion(ctx, tx, p.Organisation, p.Name)
		if err != nil {
			return err
		}
		if p.Version != newest+1 {
			return fault.New(fault.Conflict, "The newest version of the profile %s is %d by now; read it again.", p.Name, newest)
		}
		if _, err := tx.exec(query.Insert("profiles", query.ProfileColumns), values...); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// Profile implements store.Declarations.
func (db *DB) Profile(ctx context.Context, id string) (pki.Profile, error) {
	return read(ctx, db, func(q query.Querier) (pki.Profile, error) { return query.Profile(ctx, q, id) })
}

// Profiles implements store.Declarations.
func (db *DB) Profiles(ctx context.Context, organisation string) ([]pki.Profile, error) {
	return read(ctx, db, func(q query.Querier) ([]pki.Profile, error) { return query.Profiles(ctx, q, organisation) })
}

// CreateConnector implements store.Declarations.
func (db *DB) CreateConnector(ctx context.Context, c policy.Connector, e event.Event) error {
	values, err := query.ConnectorValues(c)
	if err != nil {
		return err
	}
	taken := fault.New(fault.Conflict, "There is a connector named %s already.", c.Name)
	return db.declare(ctx, "connectors", query.ConnectorColumns, values, taken, e)
}

// Connector implements store.Declarations.
func (db *DB) Connector(ctx context.Context, id string) (policy.Connector, error) {
	return read(ctx, db, func(q query.Querier) (policy.Connector, error) { return query.Connector(ctx, q, id) })
}

// ConnectorByName implements store.Declarations.
func (db *DB) ConnectorByName(ctx context.Context, name string) (policy.Connector, error) {
	return read(ctx, db, func(q query.Querier) (policy.Connector, error) { return query.ConnectorByName(ctx, q, name) })
}

// Connectors implements store.Declarations.
func (db *DB) Connectors(ctx context.Context) ([]policy.Connector, error) {
	return read(ctx, db, func(q query.Querier) ([]policy.Connector, error) { return query.Connectors(ctx, q) })
}

// SetRules implements store.Declarations.
func (db *DB) SetRules(ctx context.Context, connector string, old, rules policy.Rules, e event.Event) error {
	expected, err := query.Rules(old)
	if err != nil {
		return err
	}
	text, err := query.Rules(rules)
	if err != nil {
		return err
	}
	return execute(ctx, db, func(tx *tx) error {
		c, err := query.Connector(ctx, tx, connector)
		if err != nil {
			return err
		}
		// Compared as this version writes them, whatever version wrote the row.
		switch present, err := query.Rules(c.Rules); {
		case err != nil:
			return err
		case present != expected:
			return fault.New(fault.Conflict, "The connector %s has other rules by now; read them again.", c.Name)
		}
		if _, err := tx.exec("UPDATE connectors SET rules = ? WHERE id = ?", text, connector); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// SuspendConnector implements store.Declarations.
func (db *DB) SuspendConnector(ctx context.Context, connector string, at time.Time, e event.Event) error {
	return db.change(ctx, "connector", e, "UPDATE connectors SET suspended = ? WHERE id = ?", query.Seconds(at), connector)
}

// CreatePerspective implements store.Declarations.
func (db *DB) CreatePerspective(ctx context.Context, p policy.Perspective, e event.Event) error {
	taken := fault.New(fault.Conflict, "There is a perspective named %s already.", p.Name)
	return db.declare(ctx, "perspectives", query.PerspectiveColumns, query.PerspectiveValues(p), taken, e)
}

// PerspectiveByName implements store.Declarations.
func (db *DB) PerspectiveByName(ctx context.Context, name string) (policy.Perspective, error) {
	return read(ctx, db, func(q query.Querier) (policy.Perspective, error) { return query.PerspectiveByName(ctx, q, name) })
}

// Perspectives implements store.Declarations.
func (db *DB) Perspectives(ctx context.Context) ([]policy.Perspective, error) {
	return read(ctx, db, func(q query.Querier) ([]policy.Perspective, error) { return query.Perspectives(ctx, q) })
}

// DeletePerspective implements store.Declarations.
func (db *DB) DeletePerspective(ctx context.Context, perspective string, e event.Event) error {
	return execute(ctx, db, func(tx *tx) error {
		p, err := query.Perspective(ctx, tx, perspective)
		if err != nil {
			return err
		}
		connectors, err := query.Connectors(ctx, tx)
		if err != nil {
			return err
		}
		for _, c := range connectors {
			if slices.Contains(c.Rules.Quorum.Others(), p.Name) {
				return fault.New(fault.Conflict, "The connector %s needs the perspective %s; take it out of its quorum first.", c.Name, p.Name)
			}
		}
		if _, err := tx.exec("DELETE FROM perspectives WHERE id = ?", perspective); err != nil {
			return err
		}
		return tx.record(e)
	})
}

// Setting implements store.Declarations.
func (db *DB) Setting(ctx context.Context, name string) (string, error) {
	return read(ctx, db, func(q query.Querier) (string, error) { return query.Setting(ctx, q, name) })
}

// PutSetting implements store.Declarations.
func (db *DB) PutSetting(ctx context.Context, name, value string) error {
	return execute(ctx, db, func(tx *tx) error {
		const put = "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
		_, err := tx.exec(put, name, value)
		return err
	})
}
