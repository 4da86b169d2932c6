package sale_test

import (
	"testing"

	"mostrador/sale"
	"mostrador/sale/saletest"
)

func TestCustomerBookIsCustomers(t *testing.T) {
	saletest.RunCustomers(t, func(*testing.T) sale.Customers { return new(sale.CustomerBook) })
}
