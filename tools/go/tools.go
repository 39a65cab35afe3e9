//go:build tools

// Package tools pins the programs in Go that tests talk to.
package tools

import _ "github.com/waku-org/go-waku/cmd/waku"
