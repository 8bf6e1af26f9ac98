package issue

import (
	"context"
	"log/slog"

	"github.com/everleaf-pki/everleaf/internal/core/fault"
	"github.com/everleaf-pki/everleaf/internal/core/pki"
)

// withRoom returns the issuer with an open shard that takes another certificate. When the open one is full the next is
// opened, and gets its first list at once. Of many that find it full one opens, the others follow.
func (s *Service) withRoom(ctx context.Context, i pki.Issuer) (pki.Issuer, error) {
	if i.Room > 0 {
		return i, nil
	}
	next := i.NextShard(s.options.PublicURL())
	err := s.store.OpenShard(ctx, i.ID, next, s.options.ShardRoom)
	if err != nil && !fault.Is(err, fault.Conflict) {
		return i, err
	}
	if err == nil {
		s.firstList(ctx, pki.CRL{Issuer: i.ID, Shard: next})
	}
	return s.issuerByID(ctx, i.ID)
}

// firstList makes the first list of a new shard. A job repeats it when it fails.
func (s *Service) firstList(ctx context.Context, shard pki.CRL) {
	now := s.now()
	if _, err := s.publish(ctx, shard, now, now); err != nil {
		s.log.Error("the first revocation list of a shard waits for the next run", slog.String("issuer", shard.Issuer),
			slog.Int("shard", shard.Shard.Number), slog.Any("error", err))
	}
}
