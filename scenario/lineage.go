package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// lineage is a thread by how it came to be: as the child of another, its first, second, …. Threads that start each
// other in an endless chain share it, so that none pays for all before it.
type lineage struct {
	parent   *lineage
	name     string
	child    int // number among those that parent started
	children int
}

// start returns the lineage of a new child.
func (l *lineage) start(name string) lineage {
	l.children++
	return lineage{parent: l, name: name, child: l.children}
}

// longest is how many generations String shows at most, from the youngest on.
const longest = 50

// String is the path: "main/2 waiter" is the second thread that main started.
func (l *lineage) String() string {
	var path []string
	for ; l.parent != nil && len(path) < longest; l = l.parent {
		path = append(path, strconv.Itoa(l.child)+" "+l.name)
	}
	older := 0
	for ; l.parent != nil; l = l.parent {
		older++
	}
	if older > 0 {
		path = append(path, fmt.Sprintf("… %d more", older))
	}
	path = append(path, l.name)
	slices.Reverse(path)
	return strings.Join(path, "/")
}
