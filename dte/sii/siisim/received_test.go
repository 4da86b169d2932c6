package siisim

import "testing"

// Memory holds the last envelopes and no more.
func TestRecentIsBounded(t *testing.T) {
	var k recent
	xml := make([]byte, 5<<19)
	for _, track := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		k.add(track, xml)
	}
	if k.size > maxRecent || len(k.bytes) != 6 || k.bytes["2"] != nil || k.bytes["3"] == nil || k.bytes["8"] == nil {
		t.Errorf("%d envelopes, %d bytes", len(k.bytes), k.size)
	}
}
