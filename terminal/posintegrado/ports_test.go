package posintegrado

import "testing"

func TestLikelyPortsComeFirst(t *testing.T) {
	ports := []Port{{Name: "COM1"}, {Name: "COM9", Likely: true}, {Name: "COM2"}, {Name: "COM3", Likely: true}}
	likelyFirst(ports)
	got := ""
	for _, p := range ports {
		got += p.Name + " "
	}
	if got != "COM3 COM9 COM1 COM2 " {
		t.Error(got)
	}
	if _, err := Ports(); err != nil {
		t.Errorf("the ports of this computer: %v", err)
	}
}
