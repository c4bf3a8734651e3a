"""Writes the PDF among the example documents: `python tools/make_examples.py`. The same text gives the same bytes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import XPos, YPos

TARGET = Path(__file__).parent.parent / "examples" / "documents" / "user-manual.pdf"

Table = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: tuple[str | Table, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Begins a page."""

    title: str
    sections: tuple[Section, ...]


PREFACE = (
    "This manual describes the Tirrim WS-210 home weather station, model year 2025.",
    "The station has two parts. The outdoor unit measures the weather. The display unit stands indoors and shows the "
    "readings.",
    "Keep this manual. The chapters are setup, everyday use, calibration, reset, sensor specifications, error codes, "
    "maintenance and warranty.",
)

CHAPTERS = (
    Chapter(
        "1 Setup",
        (
            Section(
                "What is in the box",
                (
                    "The box holds the outdoor unit, the display unit, a USB-C power adapter, a mounting bracket, two "
                    "AA lithium cells and a reset pin.",
                ),
            ),
            Section(
                "Power",
                (
                    "The outdoor unit runs on two AA lithium cells. Open the battery door on its underside with a coin "
                    "and put in both cells with the plus sign up.",
                    "The display unit is powered through its USB-C socket by the adapter in the box. The adapter "
                    "delivers 5 volts and 1 ampere.",
                ),
            ),
            Section(
                "Pairing the outdoor unit",
                (
                    "Stand both units at least 1.5 metres apart on a table. To start pairing, hold the PAIR button on "
                    "the outdoor unit for 3 seconds. Its green light begins to blink.",
                    "Pairing takes up to 2 minutes. When the green light stays on, the display unit shows the first "
                    "readings.",
                    "The radio link works over a distance of up to 120 metres in the open. Every wall between the "
                    "units takes about 20 metres off that distance.",
                ),
            ),
            Section(
                "Joining a Wi-Fi network",
                (
                    "Open Menu, Network, Join on the display unit and choose your network. Type the password with the "
                    "UP and DOWN buttons and confirm it with the SET button.",
                ),
            ),
        ),
    ),
    Chapter(
        "2 Everyday use",
        (
            Section(
                "Buttons",
                (
                    "The display unit has five buttons: MODE, UP, DOWN, SET and LIGHT. The MODE button changes between "
                    "the screens Now, Today, Week and Records.",
                    "The LIGHT button turns the backlight on for 15 seconds. Hold it for 2 seconds to keep the "
                    "backlight on.",
                ),
            ),
            Section(
                "How often readings change",
                (
                    "The outdoor unit sends new readings every 16 seconds. The display unit stores one reading every 5 "
                    "minutes and keeps its readings for 90 days.",
                ),
            ),
            Section(
                "Alarms",
                (
                    "To set an alarm, open Menu, Alarms and choose frost, heat, wind or rain. A sounding alarm is "
                    "silenced with any button and stays silent for 30 minutes.",
                ),
            ),
        ),
    ),
    Chapter(
        "3 Calibration",
        (
            Section(
                "Air pressure",
                (
                    "The station shows air pressure reduced to sea level, so it must know your altitude. Open Menu, "
                    "Calibration, Altitude and enter the altitude of your home in metres.",
                    "Let the display unit run for 24 hours before you compare its air pressure with that of a weather "
                    "office.",
                ),
            ),
            Section(
                "Rain gauge",
                (
                    "Calibrate the rain gauge once a year. Pour exactly 200 millilitres of water into the funnel, "
                    "slowly, over 5 minutes. The rain total must rise by 10.0 millimetres.",
                    "If the total is off by more than 0.5 millimetres, enter the value that you read under Menu, "
                    "Calibration, Rain.",
                ),
            ),
            Section(
                "Humidity",
                (
                    "Check the humidity sensor with the salt test. Close the outdoor unit and a cup of wet table salt "
                    "in a clear bag for 8 hours. The humidity must read 75 percent.",
                ),
            ),
        ),
    ),
    Chapter(
        "4 Reset",
        (
            Section(
                "Restarting the display unit",
                (
                    "If the display unit no longer responds, push the reset pin into the small hole beside the USB-C "
                    "socket for 1 second. The display unit restarts, and nothing is lost.",
                ),
            ),
            Section(
                "Restoring the factory settings",
                (
                    "To reset the device to its factory settings, hold the MODE and DOWN buttons together for 10 "
                    "seconds, until the display shows CLR.",
                    "A factory reset erases the Wi-Fi password, the alarms and the calibration. It does not erase the "
                    "stored readings.",
                    "After a factory reset, pair the outdoor unit again.",
                ),
            ),
            Section(
                "Erasing the stored readings",
                (
                    "To erase all stored readings, open Menu, Storage, Erase and hold the SET button for 5 seconds. "
                    "This can't be undone.",
                ),
            ),
        ),
    ),
    Chapter(
        "5 Sensor specifications",
        (
            Section(
                "Measuring ranges",
                (
                    (
                        ("Sensor", "Range", "Accuracy"),
                        ("Temperature", "-40 to 60 °C", "±0.3 °C"),
                        ("Humidity", "1 to 99 percent", "±2 percent"),
                        ("Air pressure", "300 to 1100 hPa", "±0.5 hPa"),
                        ("Wind speed", "0 to 50 m/s", "±0.4 m/s"),
                        ("Wind direction", "0 to 359 degrees", "±5 degrees"),
                        ("Rainfall", "0 to 400 mm per hour", "±4 percent"),
                        ("UV index", "0 to 15", "±1"),
                    ),
                ),
            ),
            Section(
                "Radio and size",
                (
                    "The outdoor unit sends on 868 megahertz with a power of 10 milliwatts.",
                    "The outdoor unit weighs 640 grams without its cells. The display unit measures 180 by 112 by 24 "
                    "millimetres.",
                ),
            ),
        ),
    ),
    Chapter(
        "6 Error codes",
        (
            Section(
                "What the display shows",
                (
                    "The display unit shows an error code at the top right. The code goes out by itself when the cause "
                    "is gone.",
                    "Error E1 means that the outdoor unit has not been heard for 10 minutes. Check its cells and pair "
                    "it again.",
                    "Error E2 means that the rain gauge is blocked. Remove leaves and insects from the funnel.",
                    "Error E3 means that the cells of the outdoor unit are low. Replace both cells within two weeks.",
                    "Error E4 means that the Wi-Fi network refused the password. Join the network again.",
                    "Error E5 means that the humidity sensor has failed. The outdoor unit must be sent in for repair.",
                    "Error E6 means that the clock is not set. Open Menu, Clock and set the date and the time.",
                    "Error E7 means that the wind cups are frozen or stuck. Wait for a thaw. Never force them.",
                ),
            ),
        ),
    ),
    Chapter(
        "7 Maintenance",
        (
            Section(
                "Cleaning",
                (
                    "Clean the funnel of the rain gauge every 3 months. Lift the funnel off, rinse it with warm water "
                    "and put it back until it clicks.",
                    "Wipe the radiation shield with a soft damp cloth. Do not use solvents, and do not oil the bearing "
                    "of the wind cups.",
                ),
            ),
            Section(
                "Replacing the cells",
                (
                    "The lithium cells of the outdoor unit last about 18 months. Always replace both cells at the same "
                    "time.",
                ),
            ),
            Section(
                "Winter",
                ("Below minus 25 degrees Celsius the outdoor unit sends only every 64 seconds to spare its cells.",),
            ),
        ),
    ),
    Chapter(
        "8 Warranty",
        (
            Section(
                "What is covered",
                (
                    "The warranty lasts 3 years from the day of purchase. It covers faults of material and "
                    "workmanship.",
                    "The warranty does not cover damage by lightning, by leaking cells or by falls.",
                ),
            ),
            Section(
                "How to make a claim",
                (
                    "Write to warranty@tirrim.example and add a photo of the receipt and the serial number. The serial "
                    "number is printed under the battery door.",
                    "A repair takes 15 working days from the day on which the unit arrives.",
                ),
            ),
        ),
    ),
)


class Manual(FPDF):
    """An A5 booklet with roman numbers before the first chapter."""

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font("Helvetica", size=8)
        self.cell(0, 5, self.get_page_label(), align="C")


def manual() -> bytes:
    pdf = Manual(format=(148, 210))
    pdf.set_creation_date(datetime(2025, 3, 1, 9, 0, tzinfo=UTC))
    pdf.set_title("Tirrim WS-210 User Manual")
    pdf.set_author("Tirrim Instruments")
    pdf.set_lang("en")
    pdf.set_auto_page_break(True, margin=15)
    _preface(pdf)
    for number, chapter in enumerate(CHAPTERS):
        pdf.add_page(label_style="D" if number == 0 else None, label_start=1 if number == 0 else None)
        _heading(pdf, chapter.title, level=0)
        for section in chapter.sections:
            _heading(pdf, section.title, level=1)
            for block in section.blocks:
                _block(pdf, block)
    return bytes(pdf.output())


def _preface(pdf: FPDF) -> None:
    pdf.add_page(label_style="r")
    pdf.ln(30)
    pdf.set_font("Helvetica", "B", 20)
    pdf.multi_cell(0, 10, "Tirrim WS-210\nUser Manual", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(10)
    for paragraph in PREFACE:
        _block(pdf, paragraph)


def _heading(pdf: FPDF, title: str, level: int) -> None:
    pdf.ln(2)
    pdf.start_section(title, level=level)
    pdf.set_font("Helvetica", "B", 15 if level == 0 else 11)
    pdf.multi_cell(0, 8 if level == 0 else 6, title, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    pdf.ln(1)


def _block(pdf: FPDF, block: str | Table) -> None:
    pdf.set_font("Helvetica", size=10)
    if isinstance(block, str):
        pdf.multi_cell(0, 5, block, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    else:
        with pdf.table(width=128) as table:
            for row in block:
                table.row(row)
    pdf.ln(2)


if __name__ == "__main__":
    data = manual()
    TARGET.write_bytes(data)
    sys.stdout.write(f"{TARGET}: {len(data):,} bytes\n")
