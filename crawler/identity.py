"""What makes two addresses one publication, told from the addresses and from what a page says of itself.

An article stands at many addresses: amp, print, its pages one by one or all together, the mobile site, with the marks of
whoever passed the link on. `identity` is what they have in common. It errs towards keeping apart: an article read twice is a
nuisance, two articles taken for one are a loss. What an address does not show, the page may tell: see `canonical_of`.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urljoin, urlsplit

Pairs = list[tuple[str, str]]

# Marks of the way a link came, and of the reader: whatever they say, the publication is the same.
TRACKING = re.compile(
    r"utm_\w+|mc_\w+|mtm_\w+|pk_(?:campaign|kwd|source|medium)|hsa_\w+|_hs\w+|_ga|_gl|gad_\w+|fb_\w+"  # newsletters, analytics
    r"|fbclid|[gdy]clid|[gw]braid|msclkid|twclid|ttclid|igshid|igsh|from|source|ref|ref_src|ref_url|referrer|referer"
    r"|share|shareid|replytocom|like_comment|noamp|nomobile"  # of WordPress
    r"|jx\w{2,12}|cxrecs_s|cx_\w+|tag_from|mtype|navref|tracking_page_\w+|lgn_method|ia_markup"  # of Indonesian portals
    r"|phpsessid|jsessionid|aspsessionid\w*|session_?id|cfid|cftoken|oscsid"  # sessions
)
PASSED_ON = re.compile(r"from|source|ref|share")  # of TRACKING, names that a script may give the number of an article
SESSION = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*|/\([SFX]\(\w{10,}\)\)(?=/)", re.IGNORECASE)  # of a path
TOKEN = re.compile(r"(?=[a-z]*\d)[0-9a-z]{24,}", re.IGNORECASE)  # what a session's number looks like, and no article's
FORM = re.compile(  # of the same text
    r"(?:amp|outputtype|print|cetak|view|single|mobile|device)=(?:1|true|yes|on|amp|print|cetak|mobile)?|page=all|tmpl=component"
)
PREFIXES = ("www", "m", "amp", "mobile", "wap")  # names of hosts with the same publications
SECOND_LEVEL = re.compile(r"(?:co|go|or|ac|web|sch|my|biz|desa|mil|net|ponpes|com|org|gov|edu)\.\w+")  # nobody's own
INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)/?$", re.IGNORECASE)
AMP = re.compile(r"(?:/amp(?:\.html?)?|\.amp)(?=$|\.html?$)")
PRINT = re.compile(r"/(?:print|cetak)$")
PAGE = re.compile(r"/(?:page|halaman)/\d{1,3}$")
NUMBER = re.compile(r"\d{1,3}")
SCRIPT = re.compile(r"\.(?:php|aspx?|jsp|cgi)$", re.IGNORECASE)
SLUG = re.compile(r"[-_\d]")  # what the last part of an article's address has, and that of a section seldom
SECTION = re.compile(
    r"tags?|topi[ck]s?|[ck]ategor[iy]|rubrik|kanal|ind[ei]ks?|index|search|cari|author|penulis|feed|rss|arsip"
)
CHOICE = re.compile(  # names of what chooses the article
    r"\w*id|p|no|nomor|kode|berita|artikel|article|read|baca|slug|judul|title|url|[abnqx]"
)
LONGEST_ADDRESS = 2000
LEAST_WORDS = 3  # of the last part of an address, by which an article is known again
_ESCAPED = re.compile(r"%([0-9a-fA-F]{2})")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ODD = re.compile(r"[^!-~]|[\"<>\\^`{|}]")
_WORD = re.compile(r"\w+")
_ARTICLE = re.compile(r"(?!(?:19|20)\d\d(?:\d\d){0,2}$)\d{4,}")  # a number of its own, and no date
_ENDING = re.compile(r"\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)


# ---- addresses -----------------------------------------------------------------------------------------------------


def bare(address: str) -> str:
    """An address without what says nothing of its content: scheme, usual port, `www.`, tracking, session, fragment."""
    return _written(*_parts(address))


def identity(address: str) -> str:
    """What stands for a publication: its bare address, the same for each of its forms (amp, print, mobile, page by page)."""
    host, path, query, place = _parts(address)
    path = _without_form(path)
    query = [(name, value) for name, value in query if not FORM.fullmatch(f"{name}={value}".lower())]
    numbered = [(name, value) for name, value in query if name.lower() == "page" and NUMBER.fullmatch(value)]
    if len(query) > len(numbered) or SLUG.search(_last(path)):  # else `?page=3` may be the name of an article
        query = [pair for pair in query if pair not in numbered]
    return _written(_without_prefixes(host, PREFIXES), path, query, place)


def hearsay(address: str, teller: str) -> str:
    """What stands for a publication as another site's list tells it: never for the publication itself."""
    return identity(address) if same_site(address, teller) else f"{site_of(teller)} {identity(address)}"


def site_of(address: str) -> str:
    """The host whose publications are these, with the port where it is not a usual one."""
    return _without_prefixes(_host(address), PREFIXES)


def _parts(address: str) -> tuple[str, str, Pairs, str]:
    """Host, path, what the query asks for, and the fragment, if that is part of the address itself. May raise ValueError."""
    parts = urlsplit(address)
    path = re.sub("/{2,}", "/", _encoded(SESSION.sub("", parts.path)))
    query = parse_qsl(_encoded(parts.query), keep_blank_values=True, encoding="latin-1")  # so that no byte is lost
    told = [(name, value) for name, value in query if not _is_passing(name.lower(), value)]
    path = INDEX.sub("", path).rstrip("/")
    last = _last(_without_form(path))
    if not told and (SCRIPT.search(last) or not SLUG.search(last)):  # the path names no article: a number may
        told = [(name, value) for name, value in query if PASSED_ON.fullmatch(name.lower()) and value.isdecimal()]
    place = parts.fragment if parts.fragment[:1] in ("!", "/") else ""
    return _host(address), path, told, place


def _host(address: str) -> str:
    parts = urlsplit(address)
    name, port = (parts.hostname or "").rstrip("."), parts.port
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = name.lower()
    name = f"[{name}]" if ":" in name else name
    return _without_prefixes(name, ("www",)) + (f":{port}" if port not in (None, 80, 443) else "")


def _without_prefixes(host: str, prefixes: tuple[str, ...]) -> str:
    """`amp.koran.example` is `koran.example`; but nothing is taken of `m.co.id`, whose name is M."""
    first, _, rest = host.partition(".")
    while first in prefixes and "." in rest and not SECOND_LEVEL.fullmatch(rest):
        host = rest
        first, _, rest = host.partition(".")
    return host


def _encoded(text: str) -> str:
    """One way of writing for each address: only what must be is percent-encoded, in capitals."""

    def one(found: re.Match[str]) -> str:
        letter = chr(int(found[1], 16))
        return letter if letter in _PLAIN else found[0].upper()

    def odd(found: re.Match[str]) -> str:
        return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass"))

    return _ODD.sub(odd, _ESCAPED.sub(one, text))


def _is_passing(name: str, value: str) -> bool:
    if TRACKING.fullmatch(name):
        return True
    return (name in ("sid", "s") and TOKEN.fullmatch(value) is not None) or (name, value[:6]) == ("s", "paging")


def _without_form(path: str) -> str:
    """The path without what asks for another form of the same: amp, print, one page of several."""
    first, _, rest = path.removeprefix("/").partition("/")
    path = AMP.sub("", f"/{rest}" if first == "amp" and rest else path) or path
    for form in (PAGE, PRINT):
        shorter = form.sub("", path)
        path = shorter if SLUG.search(_last(shorter)) else path
    return path


def _last(path: str) -> str:
    return path.rpartition("/")[2]


def _written(host: str, path: str, query: Pairs, place: str) -> str:
    asked = urlencode(sorted(query), encoding="latin-1")
    return f"{host}{path or '/'}{'?' if asked else ''}{asked}{f'#{place}' if place else ''}"


# ---- what a page says of itself ------------------------------------------------------------------------------------


def canonical_of(tree: Any, page: str) -> str:
    """The address a page gives as its own (rel=canonical, else og:url), if that can be believed; else empty."""
    named = tree.xpath("//link[normalize-space(translate(@rel, 'CANOIL', 'canoil')) = 'canonical']/@href")
    shared = tree.xpath("//meta[@property = 'og:url' or @name = 'og:url']/@content")
    for told in (named, shared):
        claims = {believed(str(claim).strip(), page) for claim in told[:5]}
        if len(claims) == 1 and (only := claims.pop()):
            return only
    return ""


def believed(claim: str, page: str) -> str:
    """The claimed address in full, if a page at `page` may be known by it; else empty.

    Not every claim is true: templates name the home page, a section, or the script without the number of the article. So it
    must be of the same site, and look like one article's address. Whether the text is the same is seen when both are read.
    """
    try:
        address = _encoded(urljoin(page, claim)) if claim else ""
        told, here = urlsplit(address), urlsplit(page)
        if told.scheme not in ("http", "https") or "@" in told.netloc or len(address) > LONGEST_ADDRESS:
            return ""
        own, mine = identity(address), identity(page)
        if not same_site(address, page):
            return ""
    except ValueError:
        return ""
    is_own = own == mine or (_is_article(told.path, told.query, here.path) and not _is_less(own, mine))
    return address if is_own else ""


def is_form(one: str, other: str) -> bool:
    """Whether two addresses of one site are of the same article as far as they tell: by its words, else by its number.

    Where each has a number or a date the other one has not they are of two: of a daily series, of two with the same title.
    """
    first, second = identity(one), identity(other)
    names, called = _names(first), _names(second)
    if first == second or are_numbered_apart(first, second):
        return first == second
    if names and called:
        return bool(names & called)
    return any(_ARTICLE.fullmatch(number) for number in _numbers(first) & _numbers(second))


def are_numbered_apart(one: str, other: str) -> bool:
    """Whether each of two identities has a number or a date the other one has not."""
    numbers, others = _numbers(one), _numbers(other)
    return not (numbers <= others or others <= numbers)


def _numbers(identity: str) -> set[str]:
    return set(re.findall(r"\d+", identity.partition("/")[2]))


def _names(address: str) -> set[tuple[str, ...]]:
    """The words an identity calls an article by: its last part, or what its query asks for; long numbers left out."""
    path, _, query = address.partition("?")
    parts = [_ENDING.sub("", _last(path)), *(value for _, value in parse_qsl(query))]
    words = (re.findall(r"[^\W_]+", unquote(part).casefold()) for part in parts)
    names = (tuple(word for word in found if not _ARTICLE.fullmatch(word)) for found in words)
    return {name for name in names if len(name) >= LEAST_WORDS}


def same_site(one: str, other: str) -> bool:
    """Whether two addresses are of one publisher, as far as their names tell; what is no address is of none."""
    try:
        return site_of(one) == site_of(other) or publisher_of(one) == publisher_of(other)
    except ValueError:
        return False


def publisher_of(address: str) -> str:
    """The name somebody registered, or the host where there is none. May raise ValueError."""
    site = site_of(address)
    return _registered(site) or site


def _registered(host: str) -> str:
    """The name somebody registered, `koran.co.id` of `riau.koran.co.id`; empty for addresses in digits and odd ports."""
    return str(_suffixes()(host).top_domain_under_public_suffix) if ":" not in host else ""


@cache
def _suffixes() -> Any:
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), include_psl_private_domains=True, cache_dir=None)


def _is_article(path: str, query: str, here: str) -> bool:
    """Whether an address looks like that of one article, seen from the path of another page of the site."""
    parts, known = ([unquote(part) for part in one.lower().split("/") if part] for one in (path, here))
    if any(CHOICE.fullmatch(name.lower()) and re.search(r"\d", value) for name, value in parse_qsl(query)):
        return True
    if not parts or (SECTION.fullmatch(parts[0]) and parts[:1] != known[:1]):
        return False
    numbered = re.search(r"\d{4}", parts[-1]) or (len(parts) > 2 and re.search(r"\d", path))
    return parts[-1:] == known[-1:] or bool(numbered) or _is_telling(path)


def _is_telling(path: str) -> bool:
    """Whether a path holds the words or the number of an article, so that it needs no query."""
    words = not SCRIPT.search(path) and len(re.findall("[-_]", _last(path))) > 1
    return words or re.search(r"/\d{5,}(?:/|$)", path) is not None


def _is_less(claimed: str, page: str) -> bool:
    """Whether the claim is the page's own address with a part cut off: a section, or a script without its number."""
    (path, _, query), (here, _, asked) = claimed.partition("?"), page.partition("?")
    if path == here:
        dropped = {pair.partition("=")[0].lower() for pair in set(asked.split("&")) - set(query.split("&"))}
        return any(map(CHOICE.fullmatch, dropped)) and not _is_telling(path)
    beyond = here.removeprefix(path.rstrip("/") + "/")
    return beyond != here and not NUMBER.fullmatch(beyond)


# ---- texts ---------------------------------------------------------------------------------------------------------


def same_article(one: tuple[str, str], other: tuple[str, str], *, numbered_apart: bool = False) -> bool:
    """Whether two texts (title, text) can be the same article, read at two addresses.

    By the share of different words their beginnings have in common: a fifth under the same title, which may be followed by the
    name of the outlet; half where a title is missing; nine tenths under two titles. Where the addresses are numbered apart
    six tenths at least: the issues of a daily series have their title and their frame in common. Of 7,140 pairs
    of articles of our corpus none shares more than .19; the forms of one article differ by a pointer or a byline.
    """
    first, second = (set(_WORD.findall(text.casefold())[:300]) for _, text in (one, other))
    share = len(first & second) / max(len(first | second), 1)
    short, long = sorted((" ".join(_WORD.findall(title.casefold())) for title, _ in (one, other)), key=len)
    least = 0.5 if not short else 0.2 if long.startswith(short) else 0.9
    return share >= max(least, 0.6 if numbered_apart else 0)
