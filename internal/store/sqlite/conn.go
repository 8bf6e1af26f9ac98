package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// conn is one connection with its prepared statements, used by one goroutine at a time.
//
// Statements are never interrupted: an interrupted write would roll back a whole group, and reads are short.
type conn struct {
	raw        *sql.Conn
	statements map[string]*sql.Stmt
}

// newConn takes a connection out of a pool for good.
func newConn(ctx context.Context, pool *sql.DB) (*conn, error) {
	raw, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, statements: map[string]*sql.Stmt{}}, nil
}

// prepare returns the statement with this text; each is compiled once. Texts must come from a small fixed set.
func (c *conn) prepare(text string) (*sql.Stmt, error) {
	if statement := c.statements[text]; statement != nil {
		return statement, nil
	}
	statement, err := c.raw.PrepareContext(context.Background(), text)
	if err == nil {
		c.statements[text] = statement
	}
	return statement, err
}

// Query implements query.Querier. It does not listen to the context: see conn.
func (c *conn) Query(_ context.Context, text string, args ...any) (*sql.Rows, error) {
	statement, err := c.prepare(text) //nolint:sqlclosecheck // it is kept until the connection is closed
	if err != nil {
		return nil, err
	}
	return statement.Query(args...)
}

// exec runs a statement and returns how many rows it changed.
func (c *conn) exec(text string, args ...any) (int64, error) {
	statement, err := c.prepare(text) //nolint:sqlclosecheck // it is kept until the connection is closed
	if err != nil {
		return 0, err
	}
	result, err := statement.Exec(args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// run is exec for statements whose row count says nothing.
func (c *conn) run(text string) error {
	_, err := c.exec(text)
	return err
}

func (c *conn) close() error {
	var problems []error
	for _, statement := range c.statements {
		problems = append(problems, statement.Close())
	}
	return errors.Join(append(problems, c.raw.Close())...)
}
