// Package flows works the till as a cashier does: a real window on a screen in memory, real key events, and no pointer but
// where the flow is that of a finger.
//
// Owns: the flows of a shop, key by key, and the pictures of them in docs/screens.
//
// Promise: a flow waits for what the window shows and never for a time, and ends with a look into the till's folder by
// programs that are not the window: tillctl for books and documents, check-dte for the law, where it is at hand.
//
// It has no code but its tests; make flows runs them.
package flows
