package apitest_test

import (
	"math/rand/v2"
	"testing"

	"mostrador/central/api"
	"mostrador/central/api/apitest"
	"mostrador/dte"
	"mostrador/dte/dtetest"
)

func memory(change ...func(*apitest.Config)) *apitest.Memory {
	c := apitest.Config{
		Company: api.Company{RUT: dtetest.Company, RznSoc: dtetest.Emisor().RznSoc, Ambiente: dte.Capacitacion},
		Trust:   dtetest.Trust(), Start: dtetest.Now(), Rand: rand.NewChaCha8([32]byte{1}), Page: 3,
	}
	for _, edit := range change {
		edit(&c)
	}
	return apitest.NewMemory(c)
}

func TestMemory(t *testing.T) {
	apitest.Run(t, func(*testing.T) apitest.Server { return memory() })
}
