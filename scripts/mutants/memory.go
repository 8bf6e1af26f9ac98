package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"
)

// A memory is what earlier runs learnt. Its keys begin with the sum of the compiled tests, so that a change of the code
// or of the tests forgets what it could have changed, and nothing else.
type memory struct {
	Runs    map[string]ran
	Noticed map[string]bool
	path    string
}

// ran is what one test did with every refusal on.
type ran struct {
	Took    time.Duration
	Reached []string
}

func remember(path string) (memory, error) {
	m := memory{Runs: map[string]ran{}, Noticed: map[string]bool{}, path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(text, &m)
}

func (m memory) save() error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.path+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(m.path+".new", m.path)
}

// keep changes the memory, and writes it down now and then: a run that is stopped goes on where it was.
func (l *laboratory) keep(change func(*memory)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.memory)
	if (len(l.memory.Runs)+len(l.memory.Noticed))%100 == 0 {
		_ = l.memory.save() // it is saved again at the end, where an error counts
	}
}

func (l *laboratory) recall(key string) (noticed, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	noticed, known = l.memory.Noticed[key]
	return noticed, known
}
