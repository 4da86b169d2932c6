package dte

import "slices"

// Regla is a rule that a draft is judged by before it is signed. Its number never gets another meaning.
type Regla struct {
	Numero string
	// Fuente is the clause it comes from: a format, a law, or the code with which the SII refuses the same.
	Fuente string
	Dice   string
}

const (
	formatoDTE    = "Formato DTE 2026-02, "
	formatoBoleta = "Formato Boleta v11, "
)

// Reglas lists all rules, by number.
func Reglas() []Regla { return slices.Clone(reglas) }

var reglas = []Regla{
	{"M001", formatoDTE + "TipoDTE", "el tipo de documento es uno de los que se emiten"},
	{"M002", formatoDTE + "FchEmis", "la fecha de emisión existe, de 2000 a 2050"},
	{"M003", formatoDTE + "FmaPago", "la forma de pago es 1 contado, 2 crédito o 3 sin costo"},
	{"M004", formatoDTE + "IndServicio; " + formatoBoleta + "IndServicio", "el indicador de servicio es de los del tipo"},
	{"M005", formatoDTE + "MedioPago; " + formatoBoleta + "MedioPago", "el medio de pago es de los del formato"},
	{"M006", formatoDTE + "FchEmis; HED-3-305", "no se emite con fecha futura"},
	{"M007", formatoDTE + "FchVenc", "el vencimiento existe"},
	{"M010", formatoDTE + "RUTEmisor", "hay un RUT de emisor válido"},
	{"M011", formatoDTE + "CdgSIISucur", "el código de sucursal tiene hasta 9 cifras"},
	{"M012", formatoDTE + "Telefono", "caben dos teléfonos"},
	{"M013", formatoDTE + "Acteco; HED-3-861", "de 1 a 4 actividades económicas, de hasta 6 cifras"},
	{"M020", formatoDTE + "RUTRecep", "hay un RUT de receptor válido"},
	{"M030", formatoDTE + "Detalle; " + formatoBoleta + "Detalle", "de 1 a 60 líneas; en boletas hasta 1000"},
	{"M031", formatoDTE + "CdgItem", "hasta 5 códigos por línea"},
	{"M032", formatoDTE + "IndExe", "el indicador de exención es de los del tipo"},
	{"M033", formatoDTE + "QtyItem", "la cantidad es positiva y existe donde se necesita"},
	{"M034", formatoDTE + "PrcItem", "el precio no es negativo"},
	{"M035", formatoDTE + "MontoItem", "el monto de la línea no es negativo"},
	{"M036", formatoDTE + "DescuentoPct, RecargoPct", "descuentos y recargos en porcentaje o en pesos, dentro de sus límites"},
	{"M040", formatoDTE + "DscRcgGlobal", "hasta 20 movimientos globales"},
	{"M041", formatoDTE + "TpoMov", "el movimiento es D o R"},
	{"M042", formatoDTE + "ValorDR", "el valor es uno solo, positivo y posible"},
	{"M043", formatoDTE + "IndExeDR", "el movimiento dice sobre qué líneas actúa"},
	{"M050", formatoDTE + "Referencia", "hasta 40 referencias"},
	{"M051", formatoDTE + "FchRef", "cada referencia lleva una fecha que existe"},
	{"M052", formatoDTE + "CodRef", "el código de referencia es 1, 2 o 3"},
	{"M053", "REF-3-415", "una nota de crédito no corrige guías"},
	{"M054", "REF-3-758", "una nota dice qué corrige y cómo"},
	{"M055", formatoDTE + "CodRef", "anular o corregir texto se refiere a un solo documento"},
	{"M056", formatoDTE + "Referencia", "una nota sobre un documento exento no lleva líneas afectas"},
	{"M057", formatoDTE + "IndGlobal", "una referencia global lleva folio 0"},
	{"M060", formatoDTE + "Totales", "los totales existen y caben"},
	{"M061", "REF-2-781", "una nota que corrige texto lleva total 0"},
	{"M062", "REF-2-768", "una nota que corrige montos lleva un total mayor que 0"},
	{"M063", formatoDTE + "MntTotal", "el total es mayor que 0"},
	{"M064", formatoDTE + "IVANoRet", "las retenciones no pasan de lo que se paga"},
	{"M080", formatoDTE + "MntPagos", "hasta 30 cuotas, con fecha y monto"},
	{"M081", formatoDTE + "TpoCtaPago, TermPagoDias", "cuenta y plazo del pago son de los del formato"},
	{"M082", formatoDTE + "PeriodoHasta", "el período termina después de empezar"},
	{"M083", formatoDTE + "TipoDespacho, TpoTranCompra, TpoTranVenta", "los tipos de despacho, compra y venta son de los del formato"},
	{"M084", "D.L. 825, art. 70; " + formatoDTE + "IndNoRebaja", "sólo una nota de crédito deja de rebajar débito"},
	{"M090", formatoDTE + "CodImpAdic, ImptoReten", "hasta 2 códigos distintos por línea y 20 por documento"},
	{"M091", formatoDTE + "tabla de impuestos", "el código de impuesto existe"},
	{"M092", "D.L. 825, art. 37 y 42", "los impuestos adicionales van sobre líneas afectas"},
	{"M093", "D.L. 825, art. 3", "las retenciones van en facturas de compra y sus notas"},
	{"M094", formatoDTE + "MntBaseFaena", "el anticipo de faenamiento lleva su base"},
	{"M095", formatoDTE + "MontoImp", "los impuestos sin tasa llevan su monto, y sólo ellos"},
	{"M096", formatoDTE + "CodImpAdic; " + formatoBoleta + "Detalle", "sólo los documentos afectos que no son boletas llevan impuestos adicionales"},
	{"M097", formatoDTE + "MntBruto", "con impuestos adicionales los precios van netos"},
	{"M098", formatoDTE + "DscRcgGlobal", "con impuestos adicionales no hay movimientos globales: la base sería ambigua"},
	{"M101", formatoDTE + "obligatoriedad", "los campos obligatorios están"},
	{"M102", formatoDTE + "largos", "cada texto cabe en su campo"},
	{"M103", "ENV-3-0", "los textos llevan sólo caracteres de ISO-8859-1"},
	{"M110", "HED-3-834", "una exportación lleva moneda, tipo de cambio y equivalente en pesos"},
	{"M111", formatoDTE + "TpoMoneda", "la moneda es de las del SII"},
	{"M112", formatoDTE + "FmaPagExp", "la forma de pago de exportación es un código de Aduana"},
	{"M113", formatoDTE + "Exportaciones, MontoItem", "los montos van en la moneda del documento"},
	{"M114", formatoDTE + "Exportaciones", "montos y pesos de Aduana con sus decimales y sin signo"},
	{"M115", "Aduana, tablas de códigos", "los códigos de Aduana caben en su campo"},
	{"M116", formatoDTE + "TipoBultos", "hasta 10 tipos de bulto, con tipo y cantidad"},
	{"M117", "HED-2-804", "cada bulto lleva marcas, o es un contenedor identificado"},
	{"M120", formatoDTE + "IndTraslado", "una guía dice su tipo de traslado"},
	{"M121", "Res. Ex. SII 154 de 2025", "una guía lleva el bloque de transporte"},
	{"M122", formatoDTE + "IndTraslado 5", "en un traslado interno el receptor es la propia empresa"},
	{"M123", formatoDTE + "Chofer, HraSalida", "el chofer lleva RUT y nombre; la hora se escribe hh:mm:ss"},
}
