"""Near-copies are alike, others are not; the same everywhere."""

import subprocess
import sys

from nlp.fingerprint import bands, key_words, lemma, signature, similarity

ONE = (
    "PEKANBARU - Warga Jalan Merpati mengeluhkan sampah yang tidak diangkut selama dua pekan. Bau menyengat tercium sampai ke "
    "ruang kelas sekolah dasar di seberang jalan. Petugas yang dihubungi mengaku kekurangan armada dan meminta warga bersabar."
)
COPY = ONE.replace("PEKANBARU - ", "").replace("mengaku", "menyebut")
OTHER = (
    "DUMAI - Antrean solar mengular di tiga SPBU sejak pagi. Sopir truk mengaku sudah menginap dua malam dan belum mendapat "
    "giliran, sedangkan pembeli dengan jeriken terlihat dilayani lebih dahulu oleh petugas."
)


def test_near_copies_are_alike_and_share_a_band() -> None:
    one, copy, other = map(signature, (ONE, COPY, OTHER))
    assert similarity(one, copy) > 0.7
    assert similarity(one, other) < 0.1
    assert set(bands(one)) & set(bands(copy))
    assert not set(bands(one)) & set(bands(other))
    assert all(-(2**63) <= band < 2**63 for band in bands(one))


def test_the_same_in_every_process() -> None:
    code = f"from nlp.fingerprint import signature; print(signature({ONE!r}).hex())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == signature(ONE).hex()


def test_key_words_tell_the_event_not_the_place() -> None:
    words = key_words("mati lampu lagi di Duri, PLN ga ada kabar. Lampu mati dari pagi")
    assert "listrik" in words
    assert "@duri" in words
    assert not {"duri", "ada", "lagi"} & set(words)
    assert len(key_words(ONE * 3)) <= 41
    assert key_words("") == ()


def test_lemmas_are_words() -> None:
    assert lemma("kerusakan") == "rusak"
