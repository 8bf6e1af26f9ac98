package storetest

import (
	"testing"
)

func testAccounts(t *testing.T, open Open) {
	each(t, open, map[string]func(*testing.T, *World){
		"create and read": func(t *testing.T, w *World) {
			a := w.NewAccount()
			got, err := w.Store.Account(background(), a.ID)
			must(t, err)
			same(t, "account", got, a)
			c := w.Issue(a.ID, "a.example.com")
			got2, err := w.Store.Certificate(background(), c.ID)
			must(t, err)
			same(t, "cert", got2, c)
			w.state()
			f, err := w.Store.Check(background(), Noon)
			must(t, err)
			same(t, "findings", f, []string(nil))
		},
	})
}
