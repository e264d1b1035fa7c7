"""What must be masked is found, and little else."""

import pytest

from nlp.privacy import is_nik, personal_data


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NIK saya 1471094505850003 tolong", [("1471094505850003", "nik")]),
        ("NIK 1471 0945 0585 0003", [("1471 0945 0585 0003", "nik")]),
        ("NIK saya 1471 0000 0000 0001 ganda", [("1471 0000 0000 0001", "nik")]),
        ("wali murid yang meminta namanya tidak ditulis", []),
        ("siswi kelas dua, namanya melati, dipukul", [("melati", "name")]),
        ("anak umur 9 thn inisial AZ jadi korban", [("AZ", "name")]),
        ("nomor KK 1471091212100004", [("1471091212100004", "kk")]),
        ("hubungi 0812-3456-7890 ya", [("0812-3456-7890", "phone")]),
        ("wa +62 812 3456 7890", [("+62 812 3456 7890", "phone")]),
        ("surel ani.b@contoh.co.id ya", [("ani.b@contoh.co.id", "email")]),
        ("motor BM 4821 QX hilang", [("BM 4821 QX", "plate")]),
        ("transfer ke rek BRK 1082233445 an budi", [("1082233445", "account")]),
        ("kata @budi_duri begitu", [("@budi_duri", "handle")]),
        ("@pln_123 mati lampu", []),
        ("kerugian Rp1.250.000.000 pada 2025", []),
        ("dari 1.234 warga, 567 mengeluh", []),
        ("Rafi Ananda (9), warga Tampan, hanyut di parit", [("Rafi Ananda", "name")]),
        ("Pelaku, Darmawan (43), ditahan", []),
        ("Sekar Ayu, 15 tahun, belum dapat sekolah", [("Sekar Ayu", "name")]),
        ("Menurut polisi, korban bernama Lestari Dewi dirawat", [("Lestari Dewi", "name")]),
        ("anak saya Bayu panas tinggi tapi ditolak", [("Bayu", "name")]),
        ("siswa SMP Negeri 3 Dumai keracunan", []),
        ("anak kami namanya rafka udah 3 hari demam", [("rafka", "name")]),
        ("korban banjir di Rumbai mengungsi", []),
        ("", []),
    ],
)
def test_found(text: str, found: list[tuple[str, str]]) -> None:
    assert [(text[span.start : span.end], span.label) for span in personal_data(text)] == found


def test_a_nik_holds_a_province_and_a_birthday() -> None:
    assert is_nik("1471094505850003")
    assert not is_nik("0071094505850003")
    assert not is_nik("1471093213850003")
