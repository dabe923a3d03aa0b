"""Countries by name: sidecars hold ISO 3166 codes, people ask for France. English names, the first as browsers have it."""

from __future__ import annotations

import functools

from phototag.index.words import spellings, split
from phototag.search.phrases import Phrase

_TABLE = """
AD Andorra | AE United Arab Emirates; UAE; Emirates | AF Afghanistan | AG Antigua & Barbuda | AI Anguilla |
AL Albania | AM Armenia | AO Angola | AQ Antarctica | AR Argentina | AS American Samoa | AT Austria |
AU Australia | AW Aruba | AX Åland Islands | AZ Azerbaijan | BA Bosnia & Herzegovina; Bosnia | BB Barbados |
BD Bangladesh | BE Belgium | BF Burkina Faso | BG Bulgaria | BH Bahrain | BI Burundi | BJ Benin |
BL St. Barthélemy | BM Bermuda | BN Brunei; Brunei Darussalam | BO Bolivia |
BQ Caribbean Netherlands; Bonaire, Sint Eustatius & Saba | BR Brazil | BS Bahamas | BT Bhutan | BV Bouvet Island |
BW Botswana | BY Belarus | BZ Belize | CA Canada | CC Cocos (Keeling) Islands; Cocos Islands; Keeling Islands |
CD Congo - Kinshasa; Democratic Republic of the Congo; DR Congo; DRC; Zaire | CF Central African Republic |
CG Congo - Brazzaville; Republic of the Congo | CH Switzerland | CI Côte d’Ivoire; Ivory Coast | CK Cook Islands |
CL Chile | CM Cameroon | CN China; People's Republic of China; PRC | CO Colombia | CR Costa Rica | CU Cuba |
CV Cape Verde; Cabo Verde | CW Curaçao | CX Christmas Island | CY Cyprus | CZ Czechia; Czech Republic |
DE Germany | DJ Djibouti | DK Denmark | DM Dominica | DO Dominican Republic | DZ Algeria | EC Ecuador |
EE Estonia | EG Egypt | EH Western Sahara | ER Eritrea | ES Spain | ET Ethiopia | FI Finland | FJ Fiji |
FK Falkland Islands; Malvinas | FM Micronesia; Federated States of Micronesia | FO Faroe Islands | FR France |
GA Gabon | GB United Kingdom; UK; Great Britain; Britain | GD Grenada | GE Georgia | GF French Guiana |
GG Guernsey | GH Ghana | GI Gibraltar | GL Greenland | GM Gambia | GN Guinea | GP Guadeloupe |
GQ Equatorial Guinea | GR Greece | GS South Georgia & South Sandwich Islands; South Georgia | GT Guatemala |
GU Guam | GW Guinea-Bissau | GY Guyana | HK Hong Kong SAR China; Hong Kong | HM Heard & McDonald Islands |
HN Honduras | HR Croatia | HT Haiti | HU Hungary | ID Indonesia | IE Ireland; Republic of Ireland | IL Israel |
IM Isle of Man | IN India | IO British Indian Ocean Territory | IQ Iraq | IR Iran; Persia | IS Iceland |
IT Italy | JE Jersey | JM Jamaica | JO Jordan | JP Japan | KE Kenya | KG Kyrgyzstan | KH Cambodia | KI Kiribati |
KM Comoros | KN St. Kitts & Nevis | KP North Korea; Democratic People's Republic of Korea; DPRK |
KR South Korea; Republic of Korea | KW Kuwait | KY Cayman Islands | KZ Kazakhstan |
LA Laos; Lao People's Democratic Republic | LB Lebanon | LC St. Lucia | LI Liechtenstein | LK Sri Lanka |
LR Liberia | LS Lesotho | LT Lithuania | LU Luxembourg | LV Latvia | LY Libya | MA Morocco | MC Monaco |
MD Moldova | ME Montenegro | MF St. Martin | MG Madagascar | MH Marshall Islands | MK North Macedonia; Macedonia |
ML Mali | MM Myanmar (Burma); Myanmar; Burma | MN Mongolia | MO Macao SAR China; Macao; Macau |
MP Northern Mariana Islands | MQ Martinique | MR Mauritania | MS Montserrat | MT Malta | MU Mauritius |
MV Maldives | MW Malawi | MX Mexico | MY Malaysia | MZ Mozambique | NA Namibia | NC New Caledonia | NE Niger |
NF Norfolk Island | NG Nigeria | NI Nicaragua | NL Netherlands; Holland | NO Norway | NP Nepal | NR Nauru |
NU Niue | NZ New Zealand; Aotearoa | OM Oman | PA Panama | PE Peru | PF French Polynesia | PG Papua New Guinea |
PH Philippines | PK Pakistan | PL Poland | PM St. Pierre & Miquelon | PN Pitcairn Islands | PR Puerto Rico |
PS Palestinian Territories; Palestine | PT Portugal | PW Palau | PY Paraguay | QA Qatar | RE Réunion |
RO Romania | RS Serbia | RU Russia; Russian Federation | RW Rwanda | SA Saudi Arabia | SB Solomon Islands |
SC Seychelles | SD Sudan | SE Sweden | SG Singapore | SH St. Helena | SI Slovenia | SJ Svalbard & Jan Mayen |
SK Slovakia | SL Sierra Leone | SM San Marino | SN Senegal | SO Somalia | SR Suriname | SS South Sudan |
ST São Tomé & Príncipe | SV El Salvador | SX Sint Maarten; Saint Maarten | SY Syria; Syrian Arab Republic |
SZ Eswatini; Swaziland | TC Turks & Caicos Islands | TD Chad | TF French Southern Territories | TG Togo |
TH Thailand | TJ Tajikistan | TK Tokelau | TL Timor-Leste; East Timor | TM Turkmenistan | TN Tunisia | TO Tonga |
TR Türkiye; Turkey | TT Trinidad & Tobago; Trinidad | TV Tuvalu | TW Taiwan | TZ Tanzania | UA Ukraine |
UG Uganda | UM U.S. Outlying Islands | US United States; USA; United States of America; America | UY Uruguay |
UZ Uzbekistan | VA Vatican City; Vatican; Holy See | VC St. Vincent & Grenadines | VE Venezuela |
VG British Virgin Islands | VI U.S. Virgin Islands | VN Vietnam; Viet Nam | VU Vanuatu | WF Wallis & Futuna |
WS Samoa; Western Samoa | XK Kosovo | YE Yemen | YT Mayotte | ZA South Africa | ZM Zambia | ZW Zimbabwe
"""
"""ISO 3166-1 codes, and Kosovo's, with the English name of CLDR (what ``Intl.DisplayNames`` shows in the viewer), then
others that are in use."""
_SAME = {"st": "saint", "and": "", "the": ""}


@functools.cache
def names() -> dict[str, tuple[str, ...]]:
    """Return {code: its names, the usual one first}."""
    entries = (entry.strip().partition(" ") for entry in _TABLE.split("|"))
    return {code: tuple(called.strip() for called in rest.split(";")) for code, _, rest in entries}


def names_of(value: str) -> tuple[str, ...]:
    """Return the names of the country that ``value`` is the code of, none where it is no code."""
    return names().get(value.upper(), ()) if len(value) == 2 else ()


def code_of(text: str) -> str | None:
    """Return the code of the country that ``text`` is the name or code of, None where there is none."""
    code = text.strip().upper()
    return code if code in names() else _codes().get(_key(text))


def is_called(value: str, text: str, wanted: Phrase) -> bool:
    """Say whether the country ``value``, a code or a name, is ``text``, or a name of it has the words ``wanted``.

    Guinea is not also Papua New Guinea, but "Korea" is two countries.
    """
    known, asked = code_of(value), code_of(text)
    if known is not None and asked is not None:
        return known == asked
    return wanted.is_in([spelt for called in (value, *names_of(value)) for spelt in spellings(called)])


@functools.cache
def _codes() -> dict[str, str]:
    return {_key(called): code for code, known in names().items() for called in known}


def _key(text: str) -> str:
    """Return what spellings of one name have in common: ``St. Kitts & Nevis`` is Saint Kitts and Nevis."""
    return " ".join(filter(None, (_SAME.get(word, word) for word in split(text))))
