"""SUMO's tripinfo as it writes it: one that arrived, one under way at the end, one that never entered, one of before."""

from __future__ import annotations

from pathlib import Path

from madang.twin.traffic.trips import Travel, Trip, read_trips, sum_up

TRIPINFO = """<tripinfos>
 <tripinfo id="before" depart="90.00" departDelay="0.00" arrival="120.00" waitingTime="1.0" waitingCount="1" timeLoss="9.0"/>
 <tripinfo id="a" depart="105.00" departDelay="4.00" arrival="150.00" waitingTime="6.0" waitingCount="2" timeLoss="10.0">
  <emissions CO2_abs="50000.0" fuel_abs="16000.0" electricity_abs="0"/>
 </tripinfo>
 <personinfo id="p" depart="110.00" type="t" speedFactor="1"><walk depart="110.00" arrival="120.00"/></personinfo>
 <tripinfo id="b" depart="180.00" departDelay="0.00" arrival="-1.00" waitingTime="3.0" waitingCount="1" timeLoss="5.0">
  <emissions CO2_abs="0" fuel_abs="0" electricity_abs="100"/>
 </tripinfo>
 <tripinfo id="c" depart="-1.00" departDelay="40.00" arrival="-1.00" waitingTime="-1.00" waitingCount="0" timeLoss="-1.00"/>
</tripinfos>"""


def test_everybody_who_wanted_to_leave_in_the_time_counts(tmp_path: Path) -> None:
    (tmp_path / "trips.xml").write_text(TRIPINFO)
    trips = list(read_trips(tmp_path / "trips.xml", 100.0, 200.0))
    assert trips == [
        Trip(101.0, 14.0, 10.0, 2, 50.0, 0.016 * 43.0, True),
        Trip(180.0, 5.0, 3.0, 1, 0.0, 0.36, False),
        Trip(160.0, 40.0, 40.0, 0, 0.0, 0.0, False),
    ]
    third = (0.016 * 43.0 + 0.36) / 3
    assert sum_up(trips) == Travel(3, 2, 59 / 3, 40.0, 53 / 3, 1.0, 50 / 3, third)
