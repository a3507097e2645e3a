"""Spreadsheets as other programs write them, part by part."""

import zipfile
from pathlib import Path

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"


def text(reference: str, words: str) -> str:
    """A cell that holds its text itself."""
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def number(reference: str, value: str, style: int = 0) -> str:
    """A cell that holds a number."""
    return f'<c r="{reference}" s="{style}"><v>{value}</v></c>'


def row(at: int, *cells: str, attributes: str = "") -> str:
    """A row of cells."""
    return f'<row r="{at}" {attributes}>{"".join(cells)}</row>'


def line(at: int, *words: str, attributes: str = "") -> str:
    """A row of texts from column A on."""
    return row(at, *(text(f"{chr(65 + index)}{at}", word) for index, word in enumerate(words)), attributes=attributes)


def xlsx(
    path: Path,
    *sheets: str,
    names: tuple[str, ...] = (),
    states: tuple[str, ...] = (),
    strict: bool = False,
    prefix: str = "",
    formats: tuple[str, ...] = (),
    quoted: tuple[int, ...] = (),
    shared: str = "",
    after: str = "",
    dimension: str = "",
    book: str = "",
    absolute: bool = False,
) -> Path:
    """Write a workbook of `sheets` (each the rows of one). `formats` are those of styles 1, 2, …; style numbers in
    `quoted` mark typed text; `after` follows the rows, `dimension` says what the sheets hold."""
    names = names or tuple(f"表{index}" for index in range(1, len(sheets) + 1))
    space, office = (STRICT, _STRICT_OFFICE) if strict else (TRANSITIONAL, _OFFICE)
    at, colon = (f'xmlns:{prefix}="{space}"', f"{prefix}:") if prefix else (f'xmlns="{space}"', "")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="a" Type="{office}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
        listed = "".join(
            f'<{colon}sheet name="{name}" sheetId="{index}" r:id="s{index}"'
            + (f' state="{states[index - 1]}"' if states else "")
            + "/>"
            for index, name in enumerate(names, start=1)
        )
        packed.writestr(
            "xl/workbook.xml",
            f'<{colon}workbook {at} xmlns:r="{office}">{book}<{colon}sheets>{listed}</{colon}sheets></{colon}workbook>',
        )
        folder = "/xl/" if absolute else ""
        related = "".join(
            f'<Relationship Id="s{index}" Type="{office}/worksheet" Target="{folder}worksheets/sheet{index}.xml"/>'
            for index in range(1, len(sheets) + 1)
        )
        related += f'<Relationship Id="st" Type="{office}/styles" Target="{folder}styles.xml"/>' * bool(formats)
        related += f'<Relationship Id="ss" Type="{office}/sharedStrings" Target="{folder}shared.xml"/>' * bool(shared)
        packed.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_RELATIONS}">{related}</Relationships>')
        for index, rows in enumerate(sheets, start=1):
            body = f"{dimension}<sheetData>{rows}</sheetData>{after}"
            if prefix:
                for element in ("dimension", "sheetData", "row", "c", "is", "t", "v", "f"):
                    body = body.replace(f"<{element} ", f"<{colon}{element} ").replace(
                        f"<{element}>", f"<{colon}{element}>"
                    )
                    body = body.replace(f"</{element}>", f"</{colon}{element}>")
            packed.writestr(f"xl/worksheets/sheet{index}.xml", f"<{colon}worksheet {at}>{body}</{colon}worksheet>")
        if formats:
            own = "".join(
                f'<numFmt numFmtId="{200 + index}" formatCode="{code}"/>' for index, code in enumerate(formats, start=1)
            )
            styles = '<xf numFmtId="0"/>' + "".join(
                f'<xf numFmtId="{code if code.isdecimal() and len(code) < 3 else 200 + index}"'
                + (' quotePrefix="1"' if index in quoted else "")
                + "/>"
                for index, code in enumerate(formats, start=1)
            )
            packed.writestr(
                "xl/styles.xml",
                f'<styleSheet xmlns="{space}"><numFmts>{own}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
                f"<cellXfs>{styles}</cellXfs></styleSheet>",
            )
        if shared:
            packed.writestr("xl/shared.xml", f'<sst xmlns="{space}">{shared}</sst>')
    return path
