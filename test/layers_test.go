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
	{"internal/core/...", []string{"internal/core/..."},
		"the core is pure, so that every rule in it is tested without a machine around it, and the agent can link it without the server"},
	{"internal/durable/...", []string{"own"},
		"it writes files and knows nothing of what is in them"},
	{"internal/probe/...", []string{"internal/core/...", "internal/probe/..."},
		"the agent looks at the world with the same eyes, and it links no server"},
	{"internal/va/...", []string{"internal/core/...", "internal/probe/...", "internal/va/..."},
		"the validator decides and writes nothing: whoever asks it records the outcome"},
	{"internal/store/...", []string{"internal/core/...", "internal/durable/...", "internal/store/..."},
		"a store keeps facts: it signs nothing, validates nothing and knows no protocol"},
	{"internal/ca/...", []string{"internal/core/...", "internal/durable/...", "internal/ca/..."},
		"what signs stays small: keys and certificates, no database and no door"},
	{"internal/notify/...", []string{"internal/core/...", "internal/notify/..."},
		"an engine does one kind of output and knows the core only"},
	{"internal/issue/...", []string{"internal/core/...", "internal/issue/..."},
		"use cases declare the interfaces that they need, and only internal/app joins them to engines"},
	{"internal/manage/...", []string{"internal/core/...", "internal/manage/..."},
		"use cases declare the interfaces that they need, and only internal/app joins them to engines"},
	{"internal/web/...", []string{"internal/core/fault", "internal/core/problem/...", "internal/web/..."},
		"what all doors share knows no product types, or it becomes a door itself"},
	{"internal/door/...", []string{"internal/issue/...", "internal/manage/...", "internal/core/...", "internal/web/...", "own"},
		"a door decodes, calls a use case and encodes: past the use cases there would be a second set of rules, and a door that knows another cannot be closed alone"},
	{"internal/jobs/...", []string{"internal/issue/...", "internal/manage/...", "internal/core/...", "internal/jobs/..."},
		"background work takes the same use cases as the doors, through the same interfaces"},
	{"internal/agent/...", []string{"internal/core/...", "internal/probe/...", "internal/durable/...", "internal/agent/..."},
		"the agent works with any CA: nothing of our server may be needed for it"},
	{"internal/app/...", []string{"internal/..."},
		"the composition root joins what is below it and prints nothing"},
	{"internal/demo/...", []string{"internal/app/...", "internal/agent/...", "internal/probe/...", "internal/core/...", "internal/demo/..."},
		"the demo uses the product as a stranger does, through its composition root"},
	{"internal/cli/...", []string{
		"internal/app/...", "internal/demo/...", "internal/agent/...", "internal/manage/...", "internal/probe/...",
		"internal/durable/...", "internal/core/...", "internal/cli/...",
	}, "commands parse, call the composition root or the administration and print: they open no engine and no door"},
	{"cmd/...", []string{"internal/cli/..."},
		"main hands its arguments on and holds no logic"},
	{"everleaftest/...", []string{"internal/app/...", "internal/core/...", "everleaftest/..."},
		"the CA inside other people's tests is the real one, made by the composition root"},
	{"test/...", []string{"..."}, ""},
	{"bench/...", []string{"..."}, ""},
	{"scripts/...", []string{"internal/core/...", "scripts/..."},
		"a build script that needs the server cannot run before the server builds"},
}

// A restriction keeps imports out of the files of some packages, tests aside.
// Imports are patterns as above: of folders of this project, standard packages or libraries.
type restriction struct {
	imports []string
	in, but []string
	reason  string
}

var restrictions = []restriction{
	{[]string{"net", "net/http/...", "net/rpc/...", "net/smtp", "crypto/tls", "os/...", "syscall", "database/sql/..."},
		[]string{"internal/core/..."}, nil,
		"the core does no I/O"},
	{[]string{"log/slog"},
		[]string{"internal/core/..."}, nil,
		"the core logs nothing: its caller does"},
	// pki declares Prepared, whose Sign may have to ask a key on another machine.
	{[]string{"context"},
		[]string{"internal/core/..."}, []string{"internal/core/pki"},
		"the core waits for nothing"},
	{[]string{"crypto/rand", "math/rand/..."},
		[]string{"internal/core/..."}, nil,
		"the core throws no dice: random bytes are parameters, so that tests repeat"},
	{[]string{"crypto/x509/..."},
		[]string{"internal/core/..."}, []string{"internal/core/pki/..."},
		"certificates are parsed in one package, with one set of limits"},
	{[]string{"net/http/..."},
		[]string{"internal/issue/...", "internal/manage/...", "internal/store/...", "internal/ca/...", "internal/va/...", "internal/durable/..."}, nil,
		"only doors and probes speak HTTP"},
	{[]string{"database/sql/..."},
		[]string{"..."}, []string{"internal/store/...", "test/...", "bench/..."},
		"SQL stays in the store, where one conformance suite runs it on each database"},
	{[]string{"os/exec"},
		[]string{"..."}, []string{"internal/agent/...", "test/...", "bench/...", "scripts/..."},
		"a certificate authority starts no programs"},
	{[]string{"math/rand/..."},
		[]string{"internal/ca/...", "internal/door/...", "internal/issue/...", "internal/manage/...", "internal/web/..."}, nil,
		"serials, tokens and nonces come from crypto/rand"},
	{[]string{"log"},
		[]string{"..."}, nil,
		"log/slog is the log"},
	{[]string{"C", "unsafe", "plugin"},
		[]string{"..."}, nil,
		"the binary is pure, memory-safe Go, complete after a plain go build"},
	{[]string{"testing/...", "net/http/httptest"},
		[]string{"..."}, []string{"internal/store/storetest/...", "everleaftest/...", "test/..."},
		"test code in the product is code that nobody meant to ship"},
	{[]string{"internal/store/storetest/...", "everleaftest/...", "test/...", "bench/..."},
		[]string{"..."}, []string{"internal/store/storetest/...", "everleaftest/...", "test/...", "bench/..."},
		"test code in the product is code that nobody meant to ship"},
	{[]string{"internal/cli/...", "cmd/..."},
		[]string{"..."}, []string{"internal/cli/...", "cmd/...", "test/..."},
		"imports point downwards, and nothing is above the commands"},
}

// libraries are all modules that the project may use and where; tests may use each of them.
var libraries = []restriction{
	{[]string{"github.com/miekg/dns/..."}, nil, []string{"internal/probe/...", "test/...", "bench/..."},
		"DNS messages are parsed in one package, so that the library can be replaced"},
	{[]string{"modernc.org/sqlite/..."}, nil, []string{"internal/store/sqlite/..."},
		"the driver stays behind one package, so that it can be replaced"},
	{[]string{"github.com/jackc/pgx/v5/..."}, nil, []string{"internal/store/postgres/..."},
		"the driver stays behind one package, so that it can be replaced"},
	{[]string{"github.com/pressly/goose/v3/..."}, nil, []string{"internal/store/..."},
		"only the store migrates its schema"},
	{[]string{"github.com/spf13/cobra/...", "github.com/spf13/pflag/...", "github.com/mattn/go-isatty/..."}, nil, []string{"internal/cli/..."},
		"flags and terminals end at the command line"},
	{[]string{"go.yaml.in/yaml/v4/..."}, nil, []string{"internal/cli/...", "internal/app/...", "internal/agent/..."},
		"configuration is read where the program is put together; everything below takes options"},
	{[]string{"github.com/prometheus/client_golang/..."}, nil, []string{"internal/app/...", "internal/web/..."},
		"engines and use cases report facts; how they are counted is the composition root's affair"},
	{[]string{"github.com/coreos/go-systemd/v22/..."}, nil, []string{"internal/app/...", "internal/cli/..."},
		"the service manager is met where the process starts and stops"},
	{[]string{"github.com/gofrs/flock/..."}, nil, []string{"internal/app/...", "internal/durable/...", "internal/store/sqlite/...", "internal/agent/..."},
		"a folder is locked by who owns it"},
	{[]string{"github.com/youmark/pkcs8/..."}, nil, []string{"internal/ca/..."},
		"only the CA reads encrypted keys"},
	{[]string{"github.com/go-json-experiment/json/..."}, nil, []string{"internal/core/strictjson/...", "internal/core/jws/..."},
		"JSON from outside is read strictly and in one spelling, in one place"},
	{[]string{"github.com/mholt/acmez/v3/..."}, nil, []string{"internal/agent/...", "internal/demo/...", "test/...", "bench/..."},
		"an ACME client in the server would be judging itself"},
	{[]string{"golang.org/x/crypto/acme/..."}, nil, []string{"test/..."},
		"a second ACME client is a peer to test against, not a part"},
	{[]string{"golang.org/x/crypto/..."}, nil, []string{"internal/core/...", "internal/ca/...", "internal/door/...", "internal/app/...", "internal/agent/...", "test/..."},
		"algorithms are chosen where keys and signatures are"},
	{[]string{"golang.org/x/net/..."}, nil, []string{"internal/core/...", "internal/probe/...", "internal/web/...", "internal/app/...", "test/..."},
		"names and HTTP details are handled in the core, in probes and in the shared HTTP code"},
	{[]string{"golang.org/x/text/..."}, nil, []string{"internal/core/...", "internal/web/..."},
		"text is normalised in the core"},
	{[]string{"golang.org/x/sync/..."}, nil, []string{
		"internal/store/...", "internal/ca/...", "internal/va/...", "internal/probe/...", "internal/jobs/...", "internal/app/...", "internal/agent/...", "test/...", "bench/...",
	}, "the core and the use cases start nothing in parallel"},
	{[]string{"golang.org/x/sys/..."}, nil, []string{"internal/durable/...", "internal/store/...", "internal/probe/...", "internal/app/...", "internal/cli/...", "internal/agent/...", "test/..."},
		"system calls belong where files, sockets and terminals are opened"},
	{[]string{"github.com/go-jose/go-jose/v4/...", "github.com/google/go-cmp/...", "github.com/rogpeppe/go-internal/...", "go.uber.org/goleak/...", "pgregory.net/rapid/..."},
		nil, []string{"internal/store/storetest/...", "test/..."},
		"it is a test's tool"},
}
