package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// stage tells a person what happens, one line a step, with the time since the start.
type stage struct {
	out     io.Writer
	started time.Time
	live    bool   // out is a terminal, where a line may be written over
	alone   func() // is called when out takes no more
	failure error  // why it does not; nothing is written after it
}

func newStage(out io.Writer, alone func()) *stage {
	return &stage{out: out, started: time.Now(), live: isTerminal(out), alone: alone}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (s *stage) say(text string) {
	if s.failure != nil {
		return
	}
	if _, s.failure = s.out.Write([]byte(text)); s.failure != nil {
		s.alone()
	}
}

func (s *stage) step(format string, args ...any) {
	s.say(s.line(format, args...) + "\n")
}

func (s *stage) line(format string, args ...any) string {
	return fmt.Sprintf("%7.2fs  ", time.Since(s.started).Seconds()) + fmt.Sprintf(format, args...)
}

func (s *stage) title(format string, args ...any) {
	s.say("\n" + fmt.Sprintf(format, args...) + "\n\n")
}

// How often the countdown is shown: on a terminal in one line that is written over, else each time in a line of its own.
const (
	liveTick = time.Second
	tick     = 10 * time.Second
)

// countdown waits until t and tells how long it takes. It reports false when ctx ended before.
func (s *stage) countdown(ctx context.Context, t time.Time) bool {
	for {
		left := time.Until(t)
		if left <= 0 {
			s.wipe()
			s.step("renewal, early for whoever watches")
			return true
		}
		pause := tick
		if s.live {
			pause = liveTick
		}
		s.remaining(left)
		timer := time.NewTimer(min(pause, left))
		select {
		case <-ctx.Done():
			timer.Stop()
			s.wipe()
			return false
		case <-timer.C:
		}
	}
}

// wide is as long as the line of the countdown, and room for the ^C that a terminal shows.
const wide = 40

func (s *stage) remaining(left time.Duration) {
	text := fmt.Sprintf("renewal in %s", left.Round(time.Second))
	if !s.live {
		s.step("%s", text)
		return
	}
	s.say(fmt.Sprintf("\r%-*s", wide, s.line("%s", text)))
}

// wipe takes the line of the countdown away.
func (s *stage) wipe() {
	if s.live {
		s.say("\r" + strings.Repeat(" ", wide) + "\r")
	}
}
