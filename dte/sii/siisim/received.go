package siisim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"mostrador/dte"
)

// maxRecent bounds what is kept in memory of the envelopes' bytes.
const maxRecent = 16 << 20

// recent are the bytes of the last envelopes.
type recent struct {
	bytes  map[string][]byte // by track id
	tracks []string
	size   int
}

func (k *recent) add(track string, xml []byte) {
	if k.bytes == nil {
		k.bytes = map[string][]byte{}
	}
	k.bytes[track] = xml
	k.tracks = append(k.tracks, track)
	for k.size += len(xml); k.size > maxRecent; k.tracks = k.tracks[1:] {
		k.size -= len(k.bytes[k.tracks[0]])
		delete(k.bytes, k.tracks[0])
	}
}

// keepBytes keeps what was received, durably if there is a folder for it. It is called with the lock held.
func (s *Sim) keepBytes(track string, xml []byte) error {
	if s.cfg.Received == "" {
		s.recent.add(track, xml)
		return nil
	}
	f, err := os.Create(s.receivedFile(track))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err = f.Write(xml); err != nil {
		return err
	}
	return f.Sync()
}

func (s *Sim) receivedFile(track string) string { return filepath.Join(s.cfg.Received, track+".xml") }

// Received is an envelope as it came, byte for byte; false when it never came, or is no longer kept.
func (s *Sim) Received(track string) ([]byte, bool) {
	s.arrivals()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.byTrack[plain(track)]
	if e == nil {
		return nil, false
	}
	if s.cfg.Received == "" {
		xml, found := s.recent.bytes[e.TrackID]
		return xml, found
	}
	xml, err := os.ReadFile(s.receivedFile(e.TrackID))
	return xml, err == nil
}

// ResultadoEnvio is the file that the SII mails when it has processed an envelope of the DTE channel (RespSII_v10); false
// while it has not. The words of each state are supposed.
func (s *Sim) ResultadoEnvio(track string) ([]byte, bool) {
	s.arrivals()
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.byTrack[plain(track)]
	if held == nil || !s.processed(held) {
		return nil, false
	}
	e := *held
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<RESULTADO_ENVIO>\n<IDENTIFICACION>\n")
	for _, field := range [][2]string{
		{"RUTEMISOR", e.Emisor.String()},
		{"RUTENVIA", e.Envia.String()},
		{"TRACKID", plain(e.TrackID)},
		{"TMSTRECEPCION", e.At.In(dte.Santiago).Format("02/01/2006 15:04:05")},
		{"ESTADO", e.Estado + " - " + estadoGlosa[e.Estado]},
	} {
		b.WriteString(element(field[0], escaped(field[1])) + "\n")
	}
	b.WriteString("</IDENTIFICACION>\n")
	if e.Estado != "EPR" {
		b.WriteString(element("ERRORENVIO", element("DETERRENVIO", escaped(coded(e.Codigo, e.Glosa)))) + "\n")
	} else {
		b.WriteString("<ESTADISTICA>\n")
		for _, c := range counts(e, NoFault) {
			fmt.Fprintf(&b, "<SUBTOTAL><TIPODOC>%d</TIPODOC><INFORMADO>%d</INFORMADO><RECHAZO>%d</RECHAZO><REPARO>%d</REPARO><ACEPTA>%d</ACEPTA></SUBTOTAL>\n",
				c.Tipo, c.Informados, c.Rechazados, c.Reparos, c.Aceptados)
		}
		b.WriteString("</ESTADISTICA>\n" + revision(e))
	}
	b.WriteString("</RESULTADO_ENVIO>\n")
	file, err := charmap.ISO8859_1.NewEncoder().Bytes([]byte(b.String()))
	return file, err == nil
}

// revision lists what is not simply accepted; nothing when all is.
func revision(e Envelope) string {
	var b strings.Builder
	for _, d := range e.Documents {
		estado := map[dte.State]string{dte.Rejected: "RCH - DTE Rechazado", dte.Objected: "RPR - DTE Aceptado con Reparos"}[d.State]
		if estado == "" {
			continue
		}
		fmt.Fprintf(&b, "<REVISIONDTE>\n<FOLIO>%d</FOLIO>\n<TIPODTE>%d</TIPODTE>\n<ESTADO>%s</ESTADO>\n<DETALLE>%s</DETALLE>\n</REVISIONDTE>\n",
			d.Key.Folio, d.Key.Tipo, estado, escaped(coded(d.Codigo, d.Glosa)))
	}
	if b.Len() == 0 {
		return ""
	}
	return "<REVISIONENVIO>\n" + b.String() + "</REVISIONENVIO>\n"
}

// coded is a code and its words as the SII writes them: "(CAF-3-517) CAF Vencido".
func coded(codigo, glosa string) string {
	if codigo == "" {
		return glosa
	}
	return "(" + codigo + ") " + glosa
}

// Standing is how the authority is doing: for the control page and for whoever watches.
type Standing struct {
	Up       bool
	Scenario Scenario
	Since    time.Time
	// Requests is how many came since the scenario began, Misled how many of them were answered badly.
	Requests, Misled int
	// Late are the requests that have not arrived yet; Claims the codes that wait for a document.
	Late   int
	Claims []string
}

// Standing tells how the authority is doing.
func (s *Sim) Standing() Standing {
	s.arrivals()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Standing{Up: !s.down, Late: len(s.late)}
	for _, c := range s.claims {
		st.Claims = append(st.Claims, c.Code)
	}
	if s.play != nil {
		st.Scenario, st.Since, st.Requests, st.Misled = s.play.Scenario, s.play.since, s.play.requests, s.play.misled
	}
	return st
}
