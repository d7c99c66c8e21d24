"""What e-mails say, in the languages that documents are written in."""

from typing import Final, NamedTuple

from daycount.invoicing.papers.words import Words


class Phrases(NamedTuple):
    """The sentences of one language; holes are filled by name."""

    greeting: str
    invoice: tuple[str, str]
    credit_note: tuple[str, str]
    receipt: tuple[str, str]
    request: tuple[str, str]
    pay: str
    closing: str


_PHRASES: Final = {
    "en": Phrases(
        "Hello {name},",
        ("Your invoice {number} from {sender}", "Please find attached your invoice {number} of {amount}, due on {due}."),
        ("Your credit note {number} from {sender}", "Please find attached your credit note {number} of {amount}."),
        ("Your receipt {number} from {sender}", "Thank you for your payment of {amount}. Your receipt {number} is attached."),
        ("Your overdue balance of {amount} with {sender}", "{amount} are overdue. Please pay the invoices below: {numbers}."),
        "Pay here",
        "If you have a question, reply to this e-mail.",
    ),
    "fr": Phrases(
        "Bonjour {name},",
        ("Votre facture {number} de {sender}", "Veuillez trouver ci-joint votre facture {number} de {amount}, à régler avant le {due}."),
        ("Votre avoir {number} de {sender}", "Veuillez trouver ci-joint votre avoir {number} de {amount}."),
        ("Votre reçu {number} de {sender}", "Merci pour votre paiement de {amount}. Votre reçu {number} est joint."),
        ("Votre solde échu de {amount} chez {sender}", "{amount} sont échus. Merci de régler les factures suivantes : {numbers}."),
        "Payer ici",
        "Pour toute question, répondez à cet e-mail.",
    ),
    "de": Phrases(
        "Guten Tag {name},",
        ("Ihre Rechnung {number} von {sender}", "anbei erhalten Sie Ihre Rechnung {number} über {amount}, fällig am {due}."),
        ("Ihre Gutschrift {number} von {sender}", "anbei erhalten Sie Ihre Gutschrift {number} über {amount}."),
        ("Ihre Quittung {number} von {sender}", "vielen Dank für Ihre Zahlung von {amount}. Ihre Quittung {number} liegt bei."),
        ("Ihr überfälliger Betrag von {amount} bei {sender}", "{amount} sind überfällig. Bitte begleichen Sie die Rechnungen: {numbers}."),
        "Hier bezahlen",
        "Bei Fragen antworten Sie einfach auf diese E-Mail.",
    ),
    "es": Phrases(
        "Hola, {name}:",
        ("Su factura {number} de {sender}", "Adjuntamos su factura {number} de {amount}, con vencimiento el {due}."),
        ("Su nota de crédito {number} de {sender}", "Adjuntamos su nota de crédito {number} de {amount}."),
        ("Su recibo {number} de {sender}", "Gracias por su pago de {amount}. Adjuntamos su recibo {number}."),
        ("Su saldo vencido de {amount} con {sender}", "Hay {amount} vencidos. Le rogamos que pague las facturas: {numbers}."),
        "Pagar aquí",
        "Si tiene alguna pregunta, responda a este correo.",
    ),
    "it": Phrases(
        "Buongiorno {name},",
        ("La Sua fattura {number} da {sender}", "in allegato trova la Sua fattura {number} di {amount}, con scadenza il {due}."),
        ("La Sua nota di credito {number} da {sender}", "in allegato trova la Sua nota di credito {number} di {amount}."),
        ("La Sua ricevuta {number} da {sender}", "grazie per il pagamento di {amount}. La ricevuta {number} è allegata."),
        ("Il Suo saldo scaduto di {amount} con {sender}", "risultano scaduti {amount}. La preghiamo di pagare le fatture: {numbers}."),
        "Paghi qui",
        "Per qualsiasi domanda risponda a questa e-mail.",
    ),
    "nb": Phrases(
        "Hei {name},",
        ("Faktura {number} fra {sender}", "Vedlagt finner du faktura {number} på {amount}, med forfall {due}."),
        ("Kreditnota {number} fra {sender}", "Vedlagt finner du kreditnota {number} på {amount}."),
        ("Kvittering {number} fra {sender}", "Takk for betalingen på {amount}. Kvittering {number} er vedlagt."),
        ("Forfalt beløp på {amount} hos {sender}", "{amount} er forfalt. Vennligst betal fakturaene: {numbers}."),
        "Betal her",
        "Har du spørsmål, svar på denne e-posten.",
    ),
    "sv": Phrases(
        "Hej {name},",
        ("Faktura {number} från {sender}", "Bifogat finner du faktura {number} på {amount}, med förfallodag {due}."),
        ("Kreditnota {number} från {sender}", "Bifogat finner du kreditnota {number} på {amount}."),
        ("Kvitto {number} från {sender}", "Tack för din betalning på {amount}. Kvitto {number} är bifogat."),
        ("Förfallet belopp på {amount} hos {sender}", "{amount} är förfallet. Vänligen betala fakturorna: {numbers}."),
        "Betala här",
        "Har du frågor, svara på detta e-postmeddelande.",
    ),
    "pt-BR": Phrases(
        "Olá, {name}!",
        ("Sua fatura {number} de {sender}", "Segue em anexo a sua fatura {number} de {amount}, com vencimento em {due}."),
        ("Sua nota de crédito {number} de {sender}", "Segue em anexo a sua nota de crédito {number} de {amount}."),
        ("Seu recibo {number} de {sender}", "Obrigado pelo pagamento de {amount}. O recibo {number} está em anexo."),
        ("Seu saldo vencido de {amount} com {sender}", "Há {amount} vencidos. Por favor, pague as faturas: {numbers}."),
        "Pague aqui",
        "Em caso de dúvida, responda a este e-mail.",
    ),
}


def phrases_of(words: Words) -> Phrases:
    """Return the sentences of a language, English where there are none."""
    return _PHRASES.get(words.locale, _PHRASES["en"])
