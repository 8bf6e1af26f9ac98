package test

// A layer says what the files of its packages may import of this project, tests aside. Tests may import anything:
// they meet real stores and real servers. The first layer that matches a package holds for it.
//
// Patterns are folders of this repository; "/..." at the end adds those below. "own" is the package's own folder
// directly under the layer's, with everything below it.
type layer struct {
	packages string
	imports  []string
	reason   string
}

var layers = []layer{
	{
		"internal/core/...",
		[]string{"internal/core/..."},
		"the core is pure, so that every rule in it is tested without a machine around it, and the agent can link it without the server",
	},
	{
		"internal/durable/...",
		[]string{"internal/durable/..."},
		"it writes files and knows nothing of what is in them",
	},
	{
		"internal/config/...",
		[]string{"internal/core/...", "internal/config/..."},
		"settings are values: whoever reads them hands each engine its own options",
	},
	{
		"internal/probe/...",
		[]string{"internal/core/...", "internal/probe/..."},
		"the agent looks at the world with the same eyes, and it links no server",
	},
	{
		"internal/va/...",
		[]string{"internal/core/...", "internal/probe/...", "internal/va/..."},
		"the validator decides and writes nothing: whoever asks it records the outcome",
	},
	{
		"internal/store/...",
		[]string{"internal/core/...", "internal/durable/...", "internal/store/..."},
		"a store keeps facts: it signs nothing, validates nothing and knows no protocol",
	},
	{
		"internal/ca/...",
		[]string{"internal/core/...", "internal/durable/...", "internal/ca/..."},
		"what signs stays small: keys and certificates, no database and no door",
	},
	{
		"internal/notify/...",
		[]string{"internal/core/...", "internal/notify/..."},
		"an engine does one kind of output and knows the core only",
	},
	{
		"internal/issue/...",
		[]string{"internal/core/...", "internal/issue/..."},
		"use cases declare the interfaces that they need, and only internal/app joins them to engines",
	},
	{
		"internal/manage/...",
		[]string{"internal/core/...", "internal/manage/..."},
		"use cases declare the interfaces that they need, and only internal/app joins them to engines",
	},
	{
		"internal/web/...",
		[]string{"internal/core/fault", "internal/core/problem/...", "internal/web/..."},
		"what all doors share knows no product types, or it becomes a door itself",
	},
	{
		"internal/door/...",
		[]string{"internal/issue/...", "internal/manage/...", "internal/adminapi/...", "internal/core/...", "internal/web/...", "own"},
		"a door decodes, calls a use case and encodes: past the use cases there would be a second set of rules, and a door that knows another cannot be closed alone",
	},
	{
		"internal/adminapi/...",
		[]string{"internal/core/...", "internal/adminapi/..."},
		"the command line and the admin door share this language and nothing else of the server",
	},
	{
		"internal/jobs/...",
		[]string{"internal/issue/...", "internal/manage/...", "internal/core/...", "internal/jobs/..."},
		"background work takes the same use cases as the doors, through the same interfaces",
	},
	{
		"internal/agent/...",
		[]string{"internal/core/...", "internal/probe/...", "internal/durable/...", "internal/agent/..."},
		"the agent works with any CA: nothing of our server may be needed for it",
	},
	{
		"internal/app/...",
		[]string{"internal/..."},
		"the composition root joins what is below it and prints nothing",
	},
	{
		"internal/demo/...",
		[]string{"internal/app/...", "internal/config/...", "internal/manage/...", "internal/agent/...", "internal/probe/...", "internal/core/...", "internal/demo/..."},
		"the demo uses the product as a stranger does, through its composition root",
	},
	{"internal/cli/...", []string{
		"internal/app/...", "internal/config/...", "internal/demo/...", "internal/agent/...", "internal/adminapi/...",
		"internal/manage/...", "internal/probe/...",
		"internal/durable/...", "internal/core/...", "internal/cli/...",
	}, "commands parse, call the composition root or the admin door and print: they open no engine"},
	{
		"cmd/...",
		[]string{"internal/cli/..."},
		"main hands its arguments on and holds no logic",
	},
	{
		"everleaftest/...",
		[]string{"internal/app/...", "internal/config/...", "internal/manage/...", "internal/core/...", "everleaftest/..."},
		"the CA inside other people's tests is the real one, made by the composition root",
	},
	{"test/...", []string{"..."}, ""},
	{"bench/...", []string{"..."}, ""},
	{
		"scripts/...",
		[]string{"internal/core/...", "scripts/..."},
		"a build script that needs the server cannot run before the server builds",
	},
}

// A restriction keeps imports out of the files of some packages, tests aside.
// Imports are patterns as above: of folders of this project, standard packages or libraries.
type restriction struct {
	imports []string
	in, but []string
	reason  string
}

var restrictions = []restriction{
	{
		imports: []string{"net/rpc/...", "net/smtp", "crypto/tls", "os/...", "syscall", "database/sql/..."},
		in:      []string{"internal/core/..."},
		reason:  "the core does no I/O",
	},
	// crypto/x509 gives and takes net.IP and net.IPNet.
	{
		imports: []string{"net"},
		in:      []string{"internal/core/..."},
		but:     []string{"internal/core/pki/..."},
		reason:  "the core does no I/O; addresses are net/netip's",
	},
	// problem names HTTP's statuses.
	{
		imports: []string{"net/http/..."},
		in:      []string{"internal/core/..."},
		but:     []string{"internal/core/problem"},
		reason:  "the core does no I/O",
	},
	{
		imports: []string{"log/slog"},
		in:      []string{"internal/core/..."},
		reason:  "the core logs nothing: its caller does",
	},
	// pki declares Prepared, whose Sign may have to ask a key on another machine.
	{
		imports: []string{"context"},
		in:      []string{"internal/core/..."},
		but:     []string{"internal/core/pki"},
		reason:  "the core waits for nothing",
	},
	{
		imports: []string{"crypto/rand", "math/rand/..."},
		in:      []string{"internal/core/..."},
		reason:  "the core throws no dice: random bytes are parameters, so that tests repeat",
	},
	{
		imports: []string{"crypto/x509/..."},
		in:      []string{"internal/core/..."},
		but:     []string{"internal/core/pki/..."},
		reason:  "certificates are parsed in one package, with one set of limits",
	},
	{
		imports: []string{"net/http/..."},
		in:      []string{"internal/issue/...", "internal/manage/...", "internal/store/...", "internal/ca/...", "internal/va/...", "internal/durable/..."},
		reason:  "only doors and probes speak HTTP",
	},
	{
		imports: []string{"database/sql/..."},
		in:      []string{"..."},
		but:     []string{"internal/store/...", "test/...", "bench/..."},
		reason:  "SQL stays in the store, where one conformance suite runs it on each database",
	},
	{
		imports: []string{"os/exec"},
		in:      []string{"..."},
		but:     []string{"internal/agent/...", "test/...", "bench/...", "scripts/..."},
		reason:  "a certificate authority starts no programs",
	},
	{
		imports: []string{"math/rand/..."},
		in:      []string{"internal/ca/...", "internal/door/...", "internal/issue/...", "internal/manage/...", "internal/web/..."},
		reason:  "serials, tokens and nonces come from crypto/rand",
	},
	{
		imports: []string{"log"},
		in:      []string{"..."},
		reason:  "log/slog is the log",
	},
	{
		imports: []string{"C", "unsafe", "plugin"},
		in:      []string{"..."},
		reason:  "the binary is pure, memory-safe Go, complete after a plain go build",
	},
	{
		imports: []string{"testing/...", "net/http/httptest"},
		in:      []string{"..."},
		but:     []string{"internal/store/storetest/...", "everleaftest/...", "test/..."},
		reason:  "test code in the product is code that nobody meant to ship",
	},
	{
		imports: []string{"internal/store/storetest/...", "everleaftest/...", "test/...", "bench/..."},
		in:      []string{"..."},
		but:     []string{"internal/store/storetest/...", "everleaftest/...", "test/...", "bench/..."},
		reason:  "test code in the product is code that nobody meant to ship",
	},
	{
		imports: []string{"internal/cli/...", "cmd/..."},
		in:      []string{"..."},
		but:     []string{"internal/cli/...", "cmd/...", "test/..."},
		reason:  "imports point downwards, and nothing is above the commands",
	},
}

// A library is a module, or a part of one, that the project uses, and who uses it. Any test may.
// The first that matches an import holds for it.
type library struct {
	imports []string
	users   []string
	reason  string
}

var libraries = []library{
	{
		imports: []string{"github.com/miekg/dns/..."},
		users:   []string{"internal/probe/...", "test/...", "bench/..."},
		reason:  "DNS messages are parsed in one package, so that the library can be replaced",
	},
	{
		imports: []string{"github.com/zmap/zlint/v3/...", "github.com/zmap/zcrypto/..."},
		users:   []string{"internal/ca/zlint/..."},
		reason:  "a library that registers itself in globals stays behind one package, so that it can be replaced",
	},
	{
		imports: []string{"modernc.org/sqlite/..."},
		users:   []string{"internal/store/sqlite/..."},
		reason:  "the driver stays behind one package, so that it can be replaced",
	},
	{
		imports: []string{"github.com/jackc/pgx/v5/..."},
		users:   []string{"internal/store/postgres/..."},
		reason:  "the driver stays behind one package, so that it can be replaced",
	},
	{
		imports: []string{"github.com/pressly/goose/v3/..."},
		users:   []string{"internal/store/..."},
		reason:  "only the store migrates its schema",
	},
	{
		imports: []string{"github.com/spf13/cobra/...", "github.com/spf13/pflag/...", "github.com/mattn/go-isatty/..."},
		users:   []string{"internal/cli/..."},
		reason:  "flags and terminals end at the command line",
	},
	{
		imports: []string{"go.yaml.in/yaml/v4/..."},
		users:   []string{"internal/config/...", "internal/cli/...", "internal/agent/..."},
		reason:  "configuration is read in one place; everything below takes options",
	},
	{
		imports: []string{"github.com/prometheus/client_golang/..."},
		users:   []string{"internal/app/...", "internal/web/..."},
		reason:  "engines and use cases report facts; how they are counted is the composition root's affair",
	},
	{
		imports: []string{"github.com/coreos/go-systemd/v22/..."},
		users:   []string{"internal/app/...", "internal/cli/..."},
		reason:  "the service manager is met where the process starts and stops",
	},
	{
		imports: []string{"github.com/gofrs/flock/..."},
		users:   []string{"internal/app/...", "internal/durable/...", "internal/store/sqlite/...", "internal/agent/..."},
		reason:  "a folder is locked by who owns it",
	},
	{
		imports: []string{"github.com/youmark/pkcs8/..."},
		users:   []string{"internal/ca/..."},
		reason:  "only the CA reads encrypted keys",
	},
	{
		imports: []string{"github.com/go-json-experiment/json/..."},
		users:   []string{"internal/core/...", "internal/adminapi/..."},
		reason:  "JSON from outside is read strictly and in one spelling, through internal/core/strictjson",
	},
	{
		imports: []string{"github.com/mholt/acmez/v3/..."},
		users:   []string{"internal/agent/...", "internal/demo/...", "test/...", "bench/..."},
		reason:  "an ACME client in the server would be judging itself",
	},
	{
		imports: []string{"golang.org/x/crypto/acme/..."},
		users:   []string{"test/..."},
		reason:  "a second ACME client is a peer to test against, not a part",
	},
	{
		imports: []string{"golang.org/x/crypto/..."},
		users:   []string{"internal/core/...", "internal/ca/...", "internal/door/...", "internal/app/...", "internal/agent/...", "test/..."},
		reason:  "algorithms are chosen where keys and signatures are",
	},
	{
		imports: []string{"golang.org/x/net/..."},
		users:   []string{"internal/core/...", "internal/probe/...", "internal/web/...", "internal/app/...", "test/..."},
		reason:  "names and HTTP details are handled in the core, in probes and in the shared HTTP code",
	},
	{
		imports: []string{"golang.org/x/text/..."},
		users:   []string{"internal/core/...", "internal/web/..."},
		reason:  "text is normalised in the core",
	},
	{
		imports: []string{"golang.org/x/sync/..."},
		users: []string{
			"internal/store/...", "internal/ca/...", "internal/va/...", "internal/probe/...", "internal/jobs/...",
			"internal/app/...", "internal/agent/...", "test/...", "bench/...",
		},
		reason: "the core and the use cases start nothing in parallel",
	},
	{
		imports: []string{"golang.org/x/sys/...", "golang.org/x/term/..."},
		users:   []string{"internal/durable/...", "internal/store/...", "internal/probe/...", "internal/app/...", "internal/cli/...", "internal/agent/...", "test/..."},
		reason:  "system calls belong where files, sockets and terminals are opened",
	},
	{
		imports: []string{"github.com/go-jose/go-jose/v4/...", "github.com/google/go-cmp/...", "github.com/rogpeppe/go-internal/...", "go.uber.org/goleak/...", "pgregory.net/rapid/..."},
		users:   []string{"internal/store/storetest/...", "test/..."},
		reason:  "it is a test's tool",
	},
}
