// Package pool keeps connections open for reuse.
package pool

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("pool: closed")

const (
	defaultSize    = 8
	defaultTimeout = 5 * time.Second
)

// Conn is what the pool hands out.
type Conn interface {
	Ping(ctx context.Context) error
	Close() error
}

type Dialer func(ctx context.Context) (Conn, error)

// Pool holds idle connections.
type Pool struct {
	mu     sync.Mutex
	idle   []Conn
	dial   Dialer
	closed bool
}

type (
	option  func(*Pool)
	counter struct {
		hits   int
		misses int
	}
)

// New makes a pool that dials when it is empty.
func New(dial Dialer, options ...option) *Pool {
	pool := &Pool{dial: dial, idle: make([]Conn, 0, defaultSize)}
	for _, apply := range options {
		apply(pool)
	}
	return pool
}

// Get takes an idle connection, or dials one.
func (p *Pool) Get(ctx context.Context) (Conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if last := len(p.idle) - 1; last >= 0 {
		conn := p.idle[last]
		p.idle = p.idle[:last]
		p.mu.Unlock()
		return conn, nil
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	return p.dial(ctx)
}

func (p *Pool) Put(conn Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, conn)
}

func (c counter) Rate() float64 { return float64(c.hits) / float64(c.hits+c.misses) }

// Map applies f to each element.
func Map[T, U any](items []T, f func(T) U) []U {
	result := make([]U, len(items))
	for index, item := range items {
		result[index] = f(item)
	}
	return result
}
