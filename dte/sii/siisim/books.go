package siisim

import (
	"bytes"
	"errors"
	"path/filepath"

	"mostrador/dte"
)

// statements are the books and statements that DTEUpload takes, by the start of their second line: the SII's folder of
// the schema, and the schema.
var statements = []struct{ root, folder, schema string }{
	{"<ConsumoFolios ", "consumofolio", "ConsumoFolio_v10.xsd"},
	{"<LibroCompraVenta ", "iecv", "LibroCV_v10.xsd"},
	{"<LibroGuia ", "libroguia", "LibroGuia_v10.xsd"},
}

// statementSchema is where the schema of a book would be, in a flat folder or in the SII's own subfolders.
func statementSchema(folder string, secondLine []byte) (name string, statement bool) {
	for _, k := range statements {
		if !bytes.HasPrefix(secondLine, []byte(k.root)) {
			continue
		}
		if nested := filepath.Join(folder, k.folder, k.schema); exists(nested) {
			return nested, true
		}
		return filepath.Join(folder, k.schema), true
	}
	return "", false
}

func isStatement(secondLine []byte) bool {
	_, statement := statementSchema("", secondLine)
	return statement
}

// inspectStatement judges the signature and the carátula of a book. Whether its totals are true is not judged: the SII
// compares them with documents that it has.
func (s *Sim) inspectStatement(company, sender dte.RUT, xml []byte) inspected {
	st, err := dte.VerifyStatement(xml)
	good, schema, caratula, firma := "LOK", "LRS", "LRC", "LRF"
	if bytes.Contains(xml, []byte("\n<ConsumoFolios ")) {
		good, schema, caratula, firma = "EPR", "RSC", "RCT", "RFR"
	}
	switch {
	case errors.Is(err, dte.ErrSignature):
		return inspected{estado: firma, reason: reason{"", err.Error()}}
	case err != nil:
		return inspected{estado: schema, reason: reason{"", err.Error()}}
	case st.Emisor != company || st.Envia != sender || !s.maySign(company, st.Signer):
		return inspected{estado: caratula, reason: reason{"", "RutEmisor o RutEnvia no corresponden"}}
	case !s.resolutionOf(company, st.Resolucion):
		return inspected{estado: caratula, reason: why("CRT-3-19")}
	}
	return inspected{estado: good}
}
