package probe

import (
	"testing"

	"github.com/everleaf-pki/everleaf/test/dnssectest"
)

func TestTry(t *testing.T) {
	d := dnssectest.New(t)
	r := newResolver(t, d.Resolver(t, true))
	for _, n := range []string{"signed.test", "www.signed.test", "plain.test", "bogus.test", "dead.test", "www.three.test", "www.plain.three.test", "dead.signed.test", "bogus.plain.test"} {
		set, steps, err := r.CAA(t.Context(), n)
		t.Log(n, set, err)
		for _, s := range steps {
			t.Logf("    %+v", s)
		}
		var rec record
		t.Log("   insecure", r.insecure(t.Context(), &rec, n))
		for _, s := range rec.lookups {
			t.Logf("    %+v", s)
		}
	}
}
