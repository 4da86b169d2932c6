package store

import (
	"testing"

	"mostrador/sale/saletest"
)

func TestStoreKeepsPeople(t *testing.T) { saletest.RunPeople(t, openAudited) }

func TestStoreKeepsTheDrawer(t *testing.T) { saletest.RunDrawer(t, openAudited) }
