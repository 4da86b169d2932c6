package siisim

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"mostrador/dte"
	"mostrador/dte/sii"
	"mostrador/money"
)

// Cesion is what the register of transfers (RTC) knows of one file of cessions.
type Cesion struct {
	TrackID    string      `json:"trackId"`
	SHA256     string      `json:"sha256"`
	At         time.Time   `json:"at"`
	Mail       string      `json:"mail"` // where the SII would write its verdict
	Key        dte.Key     `json:"key"`
	Seq        int         `json:"seq"` // of the last cession in it
	Cedente    dte.RUT     `json:"cedente"`
	Cesionario dte.RUT     `json:"cesionario"`
	Monto      money.Pesos `json:"monto"`
	// State is Accepted, or Rejected with the reason in Glosa.
	State dte.State `json:"state"`
	Glosa string    `json:"glosa,omitempty"`
}

// Cesiones are all files of cessions that came in, in order, without duplicates.
func (s *Sim) Cesiones() []Cesion {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.cesiones)
}

// aecForm is what an upload to the register carries.
type aecForm struct {
	company dte.RUT
	mail    string
	file    string
	xml     []byte
}

var errForm = errors.New("faltan datos en el formulario")

func readAECForm(w http.ResponseWriter, r *http.Request) (aecForm, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUpload)
	if err := r.ParseMultipartForm(maxUpload); err != nil {
		return aecForm{}, err
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	company, err := dte.ParseRUT(r.PostFormValue("rutCompany") + "-" + r.PostFormValue("dvCompany"))
	mail := r.PostFormValue("emailNotif")
	if err != nil || mail == "" {
		return aecForm{}, errForm
	}
	file, header, err := r.FormFile("archivo")
	if err != nil {
		return aecForm{}, errForm
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return aecForm{company, mail, header.Filename, content}, err
}

// rtcUpload answers as the register does.
func (s *Sim) rtcUpload(w http.ResponseWriter, r *http.Request) {
	signer, f, status := s.aecRequest(w, r)
	var c Cesion
	if status == "0" {
		c, status = s.fileAEC(f)
	}
	w.Header().Set("Content-Type", "text/xml")
	if status != "0" {
		fmt.Fprintf(w, "<?xml version=\"1.0\"?>\n<RECEPCIONAEC>\n <STATUS>%s</STATUS>\n</RECEPCIONAEC>\n", status)
		return
	}
	fmt.Fprintf(w, "<?xml version=\"1.0\"?>\n<RECEPCIONAEC>\n <RUTSENDER>%s</RUTSENDER>\n <RUTCOMPANY>%s</RUTCOMPANY>\n <FILE>%s</FILE>\n"+
		" <TIMESTAMP>%s</TIMESTAMP>\n <STATUS>0</STATUS>\n <TRACKID>%s</TRACKID>\n</RECEPCIONAEC>\n",
		signer, f.company, escaped(f.file), c.At.In(dte.Santiago).Format(time.DateTime), c.TrackID)
}

// aecRequest is who sends what, or the STATUS with which it is not received.
func (s *Sim) aecRequest(w http.ResponseWriter, r *http.Request) (signer dte.RUT, f aecForm, status string) {
	signer, known := s.signerOf(r, sii.ChannelDTE, cookie(r))
	if !known || browserLike(r) {
		return 0, f, "5"
	}
	f, err := readAECForm(w, r)
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case tooLarge:
		return 0, f, "2"
	case err != nil || r.ContentLength < 0:
		return 0, f, "4"
	case !s.registered(f.company):
		return 0, f, "6"
	case !s.maySign(f.company, signer):
		return 0, f, "1"
	}
	return signer, f, "0"
}

// fileAEC judges and keeps a file, durably, before it is answered. The same bytes are supposed to get the same track id.
func (s *Sim) fileAEC(f aecForm) (Cesion, string) {
	a, err := dte.VerifyAEC(f.xml, s.trust)
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := hash(f.xml)
	if i := slices.IndexFunc(s.cesiones, func(c Cesion) bool { return c.SHA256 == sum }); i >= 0 {
		return s.cesiones[i], "0"
	}
	c := Cesion{
		TrackID: fmt.Sprintf("%010d", 7_314_001+len(s.cesiones)), SHA256: sum, At: s.cfg.Now(), Mail: f.mail, State: dte.Accepted,
	}
	if err == nil {
		last := a.Cesiones[len(a.Cesiones)-1]
		c.Key, c.Seq, c.Cedente, c.Cesionario, c.Monto = a.DTE.Key(), last.Seq, a.Cedente, a.Cesionario, last.Monto
		err = s.judgeAEC(a, f.company)
	}
	if err != nil {
		c.State, c.Glosa = dte.Rejected, strings.Join(strings.Fields(err.Error()), " ")
	}
	if err := s.write(event{Cesion: &c}); err != nil {
		return Cesion{}, "9"
	}
	s.cesiones = append(s.cesiones, c)
	return c, "0"
}

// judgeAEC looks at what the file itself cannot tell: who sends it, whether the document is the one that was received,
// and whether the credit still is where the cession says. It is called with the lock held.
func (s *Sim) judgeAEC(a *dte.AEC, company dte.RUT) error {
	key := a.DTE.Key()
	if a.Cedente != company {
		return fmt.Errorf("cede %s y lo envía %s", a.Cedente, company)
	}
	if held := s.held[key]; held == nil || held.SHA256 != hash(a.DTE.XML) {
		return fmt.Errorf("%s no ha sido recibido por el SII, o no así", key)
	}
	registered := 0
	for _, c := range s.cesiones {
		if c.State == dte.Accepted && c.Key == key {
			registered = max(registered, c.Seq)
		}
	}
	if len(a.Cesiones) != registered+1 {
		return fmt.Errorf("%s tiene %d cesiones registradas y se informa la %d", key, registered, len(a.Cesiones))
	}
	return nil
}
