"""The words of documents in each language, and how it writes amounts, numbers and days."""

from datetime import date
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal

from daycount.money import CURRENCIES

_NAMES: Final = (
    "invoice",
    "advance_invoice",
    "self_billed",
    "paid_invoice",
    "credit_note",
    "number",
    "purchase_order",
    "issued",
    "terms",
    "days",
    "from",
    "bill_to",
    "credit_to",
    "tax_id",
    "due",
    "fees",
    "item",
    "units",
    "unit_price",
    "tax_rate",
    "amount",
    "subtotal",
    "tax",
    "subtotal_with_tax",
    "total",
    "already_billed",
    "credit_notes",
    "free_credits",
    "prepaid_credits",
    "page",
    "of",
    "more",
    "tier",
    "credited",
    "refunded",
    "offset",
    "coupons",
    "already_paid",
    "above",
    "up_to",
    "draft",
    "void",
    "receipt",
    "paid_on",
    "reference",
    "free_units",
    "flat_fee",
    "per_transaction",
    "percentage",
    "packages_of",
    "limits",
    "true_up",
    "minimum",
    "reached",
    "reverse_charge",
    "tax_exempt",
    "summary",
)
_TEXTS: Final = {
    "en": "Invoice|Advance invoice|Self-billing invoice|Paid invoice|Credit note|Number|Purchase order|Issue date|Payment term|days|From|"
    "Bill to|Credit to|Tax ID|Due|Fees|Item|Units|Unit price|Tax rate|Amount|Subtotal (excl. tax)|Tax|Subtotal (incl. tax)|Total|"
    "Usage already billed|Credit notes|Free credits|Prepaid credits|Page|of|more|Tier|Credited to the customer's balance|Refunded|"
    "Offset on invoice|Coupons|Already paid|above|up to"
    "|DRAFT|VOID|Payment receipt|Paid on|Reference|Free units|Flat fee|Fee per transaction|Percentage|Packages of"
    "|Minimum and maximum per transaction|True-up|Minimum spend|Usage of {used} has reached the threshold of {threshold}."
    "|Reverse charge: VAT is due by the recipient.|Exempt from VAT.|Summary",
    "fr": "Facture|Facture d’acompte|Autofacture|Facture payée|Avoir|Numéro|Bon de commande|Date d’émission|Délai de paiement|jours|De|"
    "Facturé à|Crédité à|N° de TVA|Échéance|Frais|Désignation|Unités|Prix unitaire|Taux de taxe|Montant|Sous-total (HT)|Taxe|"
    "Sous-total (TTC)|Total|Usage déjà facturé|Avoirs|Crédits offerts|Crédits prépayés|Page|sur|autres|Palier|Crédité au solde du client|"
    "Remboursé|Imputé sur la facture|Coupons|Déjà payé|au-delà de|jusqu’à"
    "|BROUILLON|ANNULÉE|Reçu de paiement|Payé le|Référence|Unités gratuites|Forfait|Frais par transaction|Pourcentage"
    "|Lots de|Minimum et maximum par transaction|Complément|Dépense minimale"
    "|Un usage de {used} a atteint le seuil de {threshold}.|Autoliquidation : la TVA est due par le preneur."
    "|Exonéré de TVA.|Récapitulatif",
    "de": "Rechnung|Vorausrechnung|Gutschriftsverfahren|Bezahlte Rechnung|Gutschrift|Nummer|Bestellnummer|Ausstellungsdatum|Zahlungsziel|"
    "Tage|Von|Rechnung an|Gutschrift an|USt-IdNr.|Fällig am|Gebühren|Position|Einheiten|Stückpreis|Steuersatz|Betrag|"
    "Zwischensumme (netto)|Steuer|Zwischensumme (brutto)|Gesamtbetrag|Bereits berechnete Nutzung|Gutschriften|Freiguthaben|"
    "Vorausbezahltes Guthaben|Seite|von|weitere|Stufe|Dem Kundenguthaben gutgeschrieben|Erstattet|Mit der Rechnung verrechnet|Gutscheine|"
    "Bereits bezahlt|über|bis"
    "|ENTWURF|STORNIERT|Zahlungsbeleg|Bezahlt am|Referenz|Freie Einheiten|Pauschale|Gebühr je Transaktion|Prozentsatz"
    "|Pakete zu|Mindest- und Höchstbetrag je Transaktion|Ausgleich|Mindestumsatz"
    "|Die Nutzung von {used} hat den Schwellenwert von {threshold} erreicht.|Steuerschuldnerschaft des Leistungsempfängers."
    "|Von der Umsatzsteuer befreit.|Übersicht",
    "es": "Factura|Factura de anticipo|Autofactura|Factura pagada|Nota de crédito|Número|Orden de compra|Fecha de emisión|Plazo de pago|"
    "días|De|Facturar a|Abonar a|NIF|Vencimiento|Cargos|Concepto|Unidades|Precio unitario|Tipo impositivo|Importe|"
    "Subtotal (sin impuestos)|Impuesto|Subtotal (con impuestos)|Total|Uso ya facturado|Notas de crédito|Créditos gratuitos|"
    "Créditos prepagados|Página|de|más|Tramo|Abonado al saldo del cliente|Reembolsado|Compensado en la factura|Cupones|Ya pagado|"
    "más de|hasta"
    "|BORRADOR|ANULADA|Recibo de pago|Pagado el|Referencia|Unidades gratuitas|Tarifa fija|Comisión por transacción"
    "|Porcentaje|Paquetes de|Mínimo y máximo por transacción|Ajuste|Gasto mínimo"
    "|Un uso de {used} ha alcanzado el umbral de {threshold}."
    "|Inversión del sujeto pasivo: el IVA lo ingresa el destinatario.|Exento de IVA.|Resumen",
    "it": "Fattura|Fattura di acconto|Autofattura|Fattura pagata|Nota di credito|Numero|Ordine di acquisto|Data di emissione|"
    "Termini di pagamento|giorni|Da|Fatturare a|Accreditare a|Partita IVA|Scadenza|Addebiti|Descrizione|Unità|Prezzo unitario|Aliquota|"
    "Importo|Subtotale (imposte escluse)|Imposta|Subtotale (imposte incluse)|Totale|Utilizzo già fatturato|Note di credito|"
    "Crediti gratuiti|Crediti prepagati|Pagina|di|altri|Scaglione|Accreditato sul saldo del cliente|Rimborsato|"
    "Compensato sulla fattura|Coupon|Già pagato|oltre|fino a"
    "|BOZZA|ANNULLATA|Ricevuta di pagamento|Pagato il|Riferimento|Unità gratuite|Tariffa fissa|Commissione per transazione"
    "|Percentuale|Pacchetti da|Minimo e massimo per transazione|Conguaglio|Spesa minima"
    "|Un utilizzo di {used} ha raggiunto la soglia di {threshold}.|Inversione contabile: l’IVA è dovuta dal destinatario."
    "|Esente da IVA.|Riepilogo",
    "nb": "Faktura|Forskuddsfaktura|Selvfakturering|Betalt faktura|Kreditnota|Nummer|Bestillingsnummer|Fakturadato|Betalingsfrist|dager|"
    "Fra|Faktureres til|Krediteres|Org.nr./MVA|Forfall|Gebyrer|Post|Enheter|Enhetspris|Avgiftssats|Beløp|Delsum (ekskl. avgift)|Avgift|"
    "Delsum (inkl. avgift)|Totalt|Allerede fakturert bruk|Kreditnotaer|Gratis kreditt|Forhåndsbetalt kreditt|Side|av|til|Trinn|"
    "Kreditert kundens saldo|Refundert|Motregnet i faktura|Kuponger|Allerede betalt|over|opptil"
    "|UTKAST|ANNULLERT|Betalingskvittering|Betalt|Referanse|Gratis enheter|Fast beløp|Gebyr per transaksjon|Prosent"
    "|Pakker à|Minimum og maksimum per transaksjon|Tillegg|Minimumsforbruk"
    "|Bruk på {used} har nådd terskelen på {threshold}.|Omvendt avgiftsplikt: kjøper beregner avgiften."
    "|Fritatt for merverdiavgift.|Sammendrag",
    "sv": "Faktura|Förskottsfaktura|Självfaktura|Betald faktura|Kreditnota|Nummer|Inköpsorder|Fakturadatum|Betalningsvillkor|dagar|Från|"
    "Faktureras till|Krediteras|Momsreg.nr|Förfaller|Avgifter|Post|Enheter|Pris per enhet|Skattesats|Belopp|Delsumma (exkl. skatt)|"
    "Skatt|Delsumma (inkl. skatt)|Totalt|Redan fakturerad användning|Kreditnotor|Fria krediter|Förbetalda krediter|Sida|av|till|Nivå|"
    "Krediterat kundens saldo|Återbetalat|Kvittat mot faktura|Kuponger|Redan betalt|över|upp till"
    "|UTKAST|MAKULERAD|Betalningskvitto|Betald|Referens|Fria enheter|Fast avgift|Avgift per transaktion|Procent|Paket om"
    "|Minimum och maximum per transaktion|Tillägg|Minsta förbrukning|Användning på {used} har nått tröskeln på {threshold}."
    "|Omvänd betalningsskyldighet: köparen redovisar momsen.|Undantagen från moms.|Sammanfattning",
    "pt-BR": "Fatura|Fatura antecipada|Autofatura|Fatura paga|Nota de crédito|Número|Pedido de compra|Data de emissão|Prazo de pagamento|"
    "dias|De|Faturar para|Creditar a|CPF/CNPJ|Vencimento|Taxas|Item|Unidades|Preço unitário|Alíquota|Valor|Subtotal (sem impostos)|"
    "Imposto|Subtotal (com impostos)|Total|Uso já faturado|Notas de crédito|Créditos gratuitos|Créditos pré-pagos|Página|de|mais|Faixa|"
    "Creditado no saldo do cliente|Reembolsado|Compensado na fatura|Cupons|Já pago|acima de|até"
    "|RASCUNHO|ANULADA|Recibo de pagamento|Pago em|Referência|Unidades gratuitas|Taxa fixa|Taxa por transação|Percentual"
    "|Pacotes de|Mínimo e máximo por transação|Complemento|Gasto mínimo|Um uso de {used} atingiu o limite de {threshold}."
    "|Autoliquidação: o imposto é devido pelo destinatário.|Isento de imposto.|Resumo",
}
_SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


class Words:
    """One language: its words by name, and its way of writing. One without words here is written in English."""

    def __init__(self, locale: str) -> None:
        self.locale = locale if locale in _TEXTS else "en"
        self._babel = Locale.parse(self.locale, sep="-")
        self._texts = dict(zip(_NAMES, _TEXTS[self.locale].split("|"), strict=True))

    def __getitem__(self, name: str) -> str:
        """Return a word."""
        return self._texts[name]

    @property
    def language(self) -> str:
        """Return the two letters of the language."""
        return self.locale[:2]

    def country(self, code: str) -> str:
        """Return the name of a country by its two letters."""
        return str(self._babel.territories.get(code, code))

    def percent(self, rate: Decimal) -> str:
        """Write a rate in percent with two decimals at least: 10.00%."""
        text = str(format_decimal(rate, format="#,##0.00####", locale=self._babel))
        return f"{text}%" if self.locale == "en" else f"{text}\u00a0%"

    def day(self, day: date) -> str:
        """Write a day: Jul 1, 2026."""
        return str(format_date(day, format="medium", locale=self._babel))

    def days(self, first: date, last: date) -> str:
        """Write days from the first to the last; one day by itself."""
        return self.day(first) if first == last else f"{self.day(first)} – {self.day(last)}"

    def number(self, value: Decimal) -> str:
        """Write a quantity with six decimals at most."""
        return str(format_decimal(value, format="#,##0.######", locale=self._babel))

    def change(self, value: Decimal) -> str:
        """Write what a quantity changes by: +5, −2."""
        return f"{'−' if value < 0 else '+'}{self.number(abs(value))}"

    def cents(self, cents: int, currency: str) -> str:
        """Write an amount of minor units with all decimals of its currency."""
        known = CURRENCIES[currency]
        return self.price(Decimal(cents) / known.subunits, currency, most=known.exponent)

    def price(self, amount: Decimal, currency: str, *, most: int = 6) -> str:
        """Write an amount of major units with at least the decimals of its currency and `most` at most; less than zero with a minus."""
        least = CURRENCIES[currency].exponent
        digits = "0" * least + "#" * max(most - least, 0)
        text = str(format_decimal(abs(amount), format=f"#,##0.{digits}" if digits else "#,##0", locale=self._babel))
        minus = "−" if amount < 0 else ""
        symbol = _SYMBOLS.get(currency)
        if symbol is None:
            return f"{minus}{currency}\u00a0{text}"
        return f"{minus}{symbol}{text}" if self.locale == "en" else f"{minus}{text}\u00a0{symbol}"
