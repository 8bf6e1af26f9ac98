package strictjson_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/strictjson"
)

// document stands for what the doors decode: each kind of member once.
type document struct {
	KeyID  string                     `json:"kid"`
	Nonce  strictjson.Text            `json:"nonce"`
	CSR    strictjson.Bytes           `json:"csr"`
	Agreed bool                       `json:"termsOfServiceAgreed"`
	Reason int                        `json:"reason"`
	Ratio  float64                    `json:"ratio"`
	Names  []string                   `json:"names"`
	Inner  struct{ A, B string }      `json:"inner"`
	Map    map[string]strictjson.Text `json:"map"`
}

func TestDecodeAccepts(t *testing.T) {
	nested := strings.Repeat("[", strictjson.MaxDepth-1) + strings.Repeat("]", strictjson.MaxDepth-1)
	tests := []struct {
		name, in string
		want     document
	}{
		{"empty object", `{}`, document{}},
		{"white space around", " \t\r\n{ } \n", document{}},
		{"every kind", `{"kid":"k","nonce":"","csr":"AQI","termsOfServiceAgreed":true,"reason":1,"names":["a"],"map":{"x":"y"}}`, document{
			KeyID: "k", Nonce: strictjson.Text{Present: true}, CSR: strictjson.Bytes{1, 2}, Agreed: true, Reason: 1,
			Names: []string{"a"}, Map: map[string]strictjson.Text{"x": {Present: true, Value: "y"}},
		}},
		{"B-05 case variants are unknown members", `{"KID":"a","Kid":"b","kid":"c","Nonce":"d"}`, document{KeyID: "c"}},
		{"B-07 unknown members", `{"status":"valid","orders":null,"x":{"y":[1,2.5e3,"z",false]}}`, document{}},
		{"null leaves a plain member zero", `{"kid":null,"reason":null,"names":null}`, document{}},
		{"escapes", `{"kid":"\u0061\"\\{[,"}`, document{KeyID: `a"\{[,`}},
		{"deepest", `{"x":` + nested + `}`, document{}},
		{"longest array", `{"x":[0` + strings.Repeat(",0", strictjson.MaxElements-1) + `]}`, document{}},
		{"longest object", objectOf(strictjson.MaxElements), document{}},
		{"commas and brackets in strings do not count", `{"kid":"` + strings.Repeat(`\"{[,`, 2000) + `"}`, document{KeyID: strings.Repeat(`"{[,`, 2000)}},
		{"lengths are those of one array", `{"x":[` + many("["+many("0", 600)+"]", 3) + `]}`, document{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got document
			if err := strictjson.Decode([]byte(tt.in), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	tooDeep := strings.Repeat("[", strictjson.MaxDepth) + strings.Repeat("]", strictjson.MaxDepth)
	const notObject = "A JSON object is required; it begins with '{'."
	const tooLong = "The JSON has an object or array of more than 1000 members."
	tests := []struct{ name, in, want string }{
		{"nothing", ``, notObject},
		{"white space", " \n", notObject},
		{"array", `[]`, notObject},
		{"null", `null`, notObject},
		{"string", `"eyJhbGci.e30.AA"`, notObject},
		{"byte order mark", "\xef\xbb\xbf{}", notObject},
		{"B-05 duplicate name", `{"kid":"a","kid":"b"}`, `JSON member "/kid": it is there twice.`},
		{"B-05 duplicate spelled with an escape", `{"kid":"a","\u006bid":"b"}`, `JSON member "/kid": it is there twice.`},
		{"B-05 duplicate unknown name", `{"x":1,"x":1}`, `JSON member "/x": it is there twice.`},
		{"B-05 duplicate deep in an unknown member", `{"x":[{"y":{"z":1,"z":1}}]}`, `JSON member "/x/0/y/z": it is there twice.`},
		{"B-05 duplicate in a map", `{"map":{"a":"","a":""}}`, `JSON member "/map/a": it is there twice.`},
		{"B-06 trailing object", `{}{}`, `The JSON is not valid at byte 2: `},
		{"B-06 trailing word", `{} x`, `The JSON is not valid at byte 3: `},
		{"B-06 trailing NUL", "{}\x00", `The JSON is not valid at byte 2: `},
		{"B-06 too deep", `{"x":` + tooDeep + `}`, "The JSON is nested deeper than 16 levels."},
		{"B-06 deep and never closed", strings.Repeat(`{"x":`, 1<<16), "The JSON is nested deeper than 16 levels."},
		{"B-06 array too long", `{"x":[` + many("0", strictjson.MaxElements+1) + `]}`, tooLong},
		{"B-06 object too long", objectOf(strictjson.MaxElements + 1), tooLong},
		{"INCIDENTS 75 a million members", objectOf(1_000_000), tooLong},
		{"invalid UTF-8", "{\"kid\":\"\xff\"}", "The JSON is not valid at byte 8: invalid UTF-8."},
		{"invalid UTF-8 in an unknown name", "{\"\xc0\xaf\":1}", "The JSON is not valid at byte 2: invalid UTF-8."},
		{"half a surrogate pair", `{"x":"\ud800"}`, "The JSON is not valid at byte 6: "},
		{"cut short", `{"kid":"a`, "The JSON is not valid at byte 9: unexpected EOF."},
		{"trailing comma", `{"kid":"a",}`, "The JSON is not valid at byte 10: "},
		{"comment", `{/**/}`, "The JSON is not valid at byte 1: "},
		{"closed too often", `{}]]]]`, "The JSON is not valid at byte 2: "},
		{"closed too often and opened again", `{}]]{"x":[0,1]}`, "The JSON is not valid at byte 2: "},
		{"string for number", `{"reason":"1"}`, `JSON member "/reason": a whole number in range is required.`},
		{"fraction", `{"reason":1.5}`, `JSON member "/reason": a whole number in range is required.`},
		{"number too large", `{"reason":1e99}`, `JSON member "/reason": a whole number in range is required.`},
		{"string for ratio", `{"ratio":"1"}`, `JSON member "/ratio": a number in range is required.`},
		{"string for boolean", `{"termsOfServiceAgreed":"true"}`, `JSON member "/termsOfServiceAgreed": true or false is required.`},
		{"object for array", `{"names":{}}`, `JSON member "/names": an array is required.`},
		{"number in array", `{"names":["a",2]}`, `JSON member "/names/1": a string is required.`},
		{"array for object", `{"inner":[]}`, `JSON member "/inner": an object is required.`},
		{"null for Text", `{"nonce":null}`, `JSON member "/nonce": A string is required.`},
		{"null for Bytes", `{"csr":null}`, `JSON member "/csr": A string is required.`},
		{"B-01 padding in Bytes", `{"csr":"AA=="}`, `JSON member "/csr": This is not base64url as RFC 8555 section 6.1 defines it: it ends in "="; send it without padding.`},
		{"hostile name in the sentence", `{"` + strings.Repeat(`é\n`, 500) + `":1,"x":[}`, "The JSON is not valid at byte 2011: "},
		{"hostile duplicate in the sentence", `{"` + strings.Repeat("é", 300) + `":1,"` + strings.Repeat("é", 300) + `":1}`, `JSON member "/` + strings.Repeat(`\u00e9`, 79) + `": it is there twice.`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got document
			err := strictjson.Decode([]byte(tt.in), &got)
			checkRefusal(t, err)
			if public := fault.Sentence(err); !strings.HasPrefix(public, tt.want) {
				t.Errorf("got %q, want %q", public, tt.want)
			}
		})
	}
}

// TestDecodeIsCheap shows that the limits are enforced before memory is spent on what they refuse (B-06).
// Proves INC-75.
func TestDecodeIsCheap(t *testing.T) {
	for name, body := range map[string][]byte{
		"deep": []byte(strings.Repeat(`{"x":`, 1<<16)),
		"long": []byte(objectOf(1 << 16)),
	} {
		t.Run(name, func(t *testing.T) {
			allocs := testing.AllocsPerRun(10, func() {
				var into map[string]any
				if strictjson.Decode(body, &into) == nil {
					t.Fatal("accepted")
				}
			})
			if allocs > 10 {
				t.Errorf("%v allocations to refuse %d octets", allocs, len(body))
			}
		})
	}
}

// FuzzDecode: no input panics, each refusal is a bounded sentence, and what is accepted has the same meaning for
// another parser.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"kid":"a","csr":"AQI","names":["a","b"],"inner":{"A":"x"},"map":{"a":"b"}}`, `{"kid":"a","kid":"b"}`,
		`{"nonce":null}`, `{"x":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}`, `{"x":"\ud800"}`, "{\"\xff\":1}", `{"reason":1.5} `, `{}x`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got map[string]any
		if err := strictjson.Decode(data, &got); err != nil {
			checkRefusal(t, err)
			checkRefusalIfAny(t, strictjson.Decode(data, new(document)))
			return
		}
		var want map[string]any
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		checkRefusalIfAny(t, strictjson.Decode(data, new(document)))
	})
}

func checkRefusalIfAny(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		checkRefusal(t, err)
	}
}

// checkRefusal demands the kind and a sentence that can stand in a reply.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.Malformed) {
		t.Fatalf("got %v, want a malformed fault", err)
	}
	public := fault.Sentence(err)
	if !utf8.ValidString(public) || len(public) > 1200 || !strings.HasSuffix(public, ".") {
		t.Errorf("not a sentence for a reply: %q", public)
	}
}

func objectOf(members int) string {
	var b strings.Builder
	for i := range members {
		b.WriteString(`,"m` + strconv.Itoa(i) + `":0`)
	}
	return "{" + b.String()[1:] + "}"
}

func many(element string, count int) string {
	return element + strings.Repeat(","+element, count-1)
}
