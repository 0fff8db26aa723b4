"""Entity types. Made from Smart Data Models (https://smartdatamodels.org, CC BY 4.0) by `madang app types`; names and types alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from madang.sdk.typed import TypedEntity


@dataclass
class AirQualityObserved(TypedEntity):
    TYPE: ClassVar[str] = "AirQualityObserved"
    NAMES: ClassVar[dict[str, str]] = {"as_": "as"}

    address: dict[str, Any] | None = None
    airQualityIndex: int | None = None
    airQualityLevel: Any | None = None
    areaServed: str | None = None
    as_: float | None = None
    c6h6: float | None = None
    cd: float | None = None
    charge: float | None = None
    co: float | None = None
    co2: float | None = None
    coLevel: str | None = None
    dateObserved: str | None = None
    description: str | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    ni: float | None = None
    no: float | None = None
    no2: float | None = None
    nox: float | None = None
    o3: float | None = None
    pb: float | None = None
    pm1: float | None = None
    pm10: float | None = None
    pm25: float | None = None
    pm4: float | None = None
    precipitation: float | None = None
    pressure: float | None = None
    refDevice: str | None = None
    refPointOfInterest: str | None = None
    refWeatherObserved: str | None = None
    relativeHumidity: float | None = None
    reliability: float | None = None
    sh2: float | None = None
    so2: float | None = None
    temperature: float | None = None
    tpc: int | None = None
    tsp: int | None = None
    typeofLocation: str | None = None
    volatileOrganicCompoundsTotal: float | None = None
    windDirection: float | None = None
    windSpeed: float | None = None


@dataclass
class BikeHireDockingStation(TypedEntity):
    TYPE: ClassVar[str] = "BikeHireDockingStation"

    address: dict[str, Any] | None = None
    agency_fare_url: str | None = None
    agency_name: str | None = None
    agency_url: str | None = None
    areaServed: str | None = None
    availableBikeNumber: int | None = None
    contactPoint: Any | None = None
    description: str | None = None
    freeSlotNumber: int | None = None
    location: dict[str, Any] | None = None
    mediaURL: str | None = None
    name: str | None = None
    observationDateTime: str | None = None
    openingHours: str | None = None
    outOfServiceSlotNumber: int | None = None
    provider: str | None = None
    stationCode: str | None = None
    stationName: str | None = None
    status: str | None = None
    totalSlotNumber: int | None = None


@dataclass
class Building(TypedEntity):
    TYPE: ClassVar[str] = "Building"

    address: dict[str, Any] | None = None
    areaServed: str | None = None
    category: list[Any] | None = None
    collapseRisk: float | None = None
    containedInPlace: Any | None = None
    description: str | None = None
    floorsAboveGround: int | None = None
    floorsBelowGround: int | None = None
    location: dict[str, Any] | None = None
    mapUrl: str | None = None
    name: str | None = None
    occupier: list[Any] | None = None
    openingHours: list[Any] | None = None
    peopleCapacity: float | None = None
    peopleOccupancy: float | None = None


@dataclass
class EVChargingStation(TypedEntity):
    TYPE: ClassVar[str] = "EVChargingStation"

    acceptedPaymentMethod: list[Any] | None = None
    address: dict[str, Any] | None = None
    allowedVehicleType: list[Any] | None = None
    amountCollected: float | None = None
    amperage: float | None = None
    areaServed: str | None = None
    availableCapacity: int | None = None
    capacity: int | None = None
    chargeType: list[Any] | None = None
    chargingUnitId: str | None = None
    contactPoint: Any | None = None
    dataDescriptor: str | None = None
    description: str | None = None
    endDateTime: str | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    network: str | None = None
    observationDateTime: str | None = None
    openingHours: str | None = None
    operator: str | None = None
    powerConsumption: float | None = None
    socketNumber: int | None = None
    socketType: list[Any] | None = None
    startDateTime: str | None = None
    stationName: str | None = None
    status: str | None = None
    taxAmountCollected: float | None = None
    transactionId: str | None = None
    transactionType: str | None = None
    vehicleType: str | None = None
    voltage: float | None = None


@dataclass
class NoiseLevelObserved(TypedEntity):
    TYPE: ClassVar[str] = "NoiseLevelObserved"

    LAS: float | None = None
    LAeq: float | None = None
    LAeq_d: float | None = None
    LAmax: float | None = None
    address: dict[str, Any] | None = None
    areaServed: str | None = None
    dateObserved: str | None = None
    dateObservedFrom: str | None = None
    dateObservedTo: str | None = None
    description: str | None = None
    distanceAverage: str | None = None
    heightAverage: str | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    obstacles: str | None = None
    refDevice: str | None = None
    refPointOfInterest: str | None = None
    refWeatherObserved: str | None = None
    sonometerClass: str | None = None


@dataclass
class OffStreetParking(TypedEntity):
    TYPE: ClassVar[str] = "OffStreetParking"

    acceptedPaymentMethod: list[Any] | None = None
    accessModified: str | None = None
    address: dict[str, Any] | None = None
    aggregateRating: dict[str, Any] | None = None
    allowedVehicleType: list[Any] | None = None
    areaServed: str | None = None
    availableSpotNumber: int | None = None
    averageSpotLength: float | None = None
    averageSpotWidth: float | None = None
    category: list[Any] | None = None
    chargeType: list[Any] | None = None
    contactPoint: dict[str, Any] | None = None
    description: str | None = None
    extCategory: list[Any] | None = None
    extraSpotNumber: int | None = None
    facilities: list[Any] | None = None
    firstAvailableFloor: int | None = None
    fourWheelerSlots: dict[str, Any] | None = None
    highestFloor: int | None = None
    images: list[Any] | None = None
    layout: list[Any] | None = None
    location: dict[str, Any] | None = None
    lowestFloor: int | None = None
    maximumAllowedHeight: float | None = None
    maximumAllowedWidth: float | None = None
    maximumParkingDuration: str | None = None
    measuresPeriod: float | None = None
    measuresPeriodUnit: str | None = None
    municipalityInfo: dict[str, Any] | None = None
    name: str | None = None
    observationDateTime: str | None = None
    occupancy: float | None = None
    occupancyDetectionType: list[Any] | None = None
    occupancyModified: str | None = None
    occupiedSpotNumber: int | None = None
    openingHours: str | None = None
    outOfServiceSlotNumber: float | None = None
    parkingMode: list[Any] | None = None
    parkingSiteId: str | None = None
    priceCurrency: str | None = None
    priceRatePerMinute: float | None = None
    provider: dict[str, Any] | None = None
    refParkingAccess: str | None = None
    refParkingGroup: str | None = None
    refParkingSpot: str | None = None
    requiredPermit: list[Any] | None = None
    reservationType: list[Any] | None = None
    security: list[Any] | None = None
    specialLocation: list[Any] | None = None
    status: list[Any] | None = None
    totalSpotNumber: int | None = None
    twoWheelerSlots: dict[str, Any] | None = None
    unclassifiedSlots: dict[str, Any] | None = None
    usageScenario: list[Any] | None = None
    vehicleEntranceCount: float | None = None
    vehicleExitCount: float | None = None


@dataclass
class OnStreetParking(TypedEntity):
    TYPE: ClassVar[str] = "OnStreetParking"

    acceptedPaymentMethod: str | None = None
    address: dict[str, Any] | None = None
    allowedVehicleType: list[Any] | None = None
    areBordersMarked: bool | None = None
    areaServed: str | None = None
    availableSpotNumber: int | None = None
    averageSpotLength: float | None = None
    averageSpotWidth: float | None = None
    category: list[Any] | None = None
    chargeType: list[Any] | None = None
    description: str | None = None
    extraSpotNumber: int | None = None
    fourWheelerSlots: dict[str, Any] | None = None
    layout: list[Any] | None = None
    location: dict[str, Any] | None = None
    maximumParkingDuration: str | None = None
    municipalityInfo: dict[str, Any] | None = None
    name: str | None = None
    observationDateTime: str | None = None
    occupancyDetectionType: list[Any] | None = None
    occupancyModified: str | None = None
    occupiedSpotNumber: float | None = None
    outOfServiceSlotNumber: float | None = None
    parkingMode: str | None = None
    parkingSiteId: str | None = None
    permitActiveHours: dict[str, Any] | None = None
    refParkingGroup: list[Any] | None = None
    refParkingSpot: list[Any] | None = None
    requiredPermit: list[Any] | None = None
    totalSpotNumber: int | None = None
    twoWheelerSlots: dict[str, Any] | None = None
    unclassifiedSlots: dict[str, Any] | None = None
    usageScenario: str | None = None


@dataclass
class ParkingSpot(TypedEntity):
    TYPE: ClassVar[str] = "ParkingSpot"

    address: dict[str, Any] | None = None
    areaServed: str | None = None
    category: list[Any] | None = None
    description: str | None = None
    length: float | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    refDevice: list[Any] | None = None
    refParkingGroup: str | None = None
    refParkingSite: str | None = None
    status: str | None = None
    timeInstant: Any | None = None
    width: float | None = None


@dataclass
class RoadAccident(TypedEntity):
    TYPE: ClassVar[str] = "RoadAccident"

    accidentDate: str | None = None
    accidentDescription: list[Any] | None = None
    accidentLocation: str | None = None
    accidentStatisticalDate: dict[str, Any] | None = None
    accidentType: list[Any] | None = None
    address: dict[str, Any] | None = None
    areaServed: str | None = None
    description: str | None = None
    localId: str | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    numPassengersDead: int | None = None
    numPassengersInjured: int | None = None
    numPedestrianDead: int | None = None
    numPedestrianInjured: int | None = None
    pedestriansInvolved: bool | None = None
    roadClass: str | None = None
    roadIntersection: str | None = None
    roadPaving: str | None = None
    roadSign: str | None = None
    roadSurface: str | None = None
    roadTrunk: str | None = None
    status: str | None = None
    totalDeadPeopleWithin24Hours: int | None = None
    totalDeadPeopleWithin30Days: int | None = None
    totalInjured: int | None = None
    vehiclesInvolved: list[Any] | None = None
    weakestSubject: str | None = None
    weatherConditions: list[Any] | None = None


@dataclass
class TrafficFlowObserved(TypedEntity):
    TYPE: ClassVar[str] = "TrafficFlowObserved"

    address: dict[str, Any] | None = None
    areaServed: str | None = None
    averageGapDistance: float | None = None
    averageHeadwayTime: float | None = None
    averageVehicleLength: float | None = None
    averageVehicleSpeed: float | None = None
    congested: bool | None = None
    dateObserved: str | None = None
    dateObservedFrom: str | None = None
    dateObservedTo: str | None = None
    description: str | None = None
    intensity: float | None = None
    laneDirection: str | None = None
    laneId: int | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    occupancy: float | None = None
    refRoadSegment: str | None = None
    reversedLane: bool | None = None
    vehicleSubType: str | None = None
    vehicleType: str | None = None


@dataclass
class Vehicle(TypedEntity):
    TYPE: ClassVar[str] = "Vehicle"

    address: dict[str, Any] | None = None
    areaServed: str | None = None
    battery: float | None = None
    bearing: float | None = None
    cargoWeight: float | None = None
    category: list[Any] | None = None
    currentTripCount: float | None = None
    dateFirstUsed: str | None = None
    dateVehicleFirstRegistered: str | None = None
    description: str | None = None
    deviceBatteryStatus: str | None = None
    deviceSimNumber: str | None = None
    emergencyVehicleType: str | None = None
    feature: list[Any] | None = None
    fleetVehicleId: str | None = None
    fuelEfficiency: float | None = None
    fuelFilled: float | None = None
    fuelType: str | None = None
    heading: float | None = None
    ignitionStatus: bool | None = None
    leasingInfo: dict[str, Any] | None = None
    license_plate: str | None = None
    location: dict[str, Any] | None = None
    mileageFromOdometer: float | None = None
    municipalityInfo: dict[str, Any] | None = None
    name: str | None = None
    observationDateTime: str | None = None
    previousLocation: Any | None = None
    purchaseDate: str | None = None
    refVehicleModel: str | None = None
    reportId: str | None = None
    serviceOnDuty: bool | None = None
    serviceProvided: list[Any] | None = None
    serviceStatus: str | None = None
    speed: float | None = None
    tripNetWeightCollected: float | None = None
    vehicleAltitude: str | None = None
    vehicleConfiguration: str | None = None
    vehicleIdentificationNumber: str | None = None
    vehiclePlateIdentifier: str | None = None
    vehicleRunningStatus: str | None = None
    vehicleSpecialUsage: str | None = None
    vehicleTrackerDevice: str | None = None
    vehicleType: str | None = None
    wardId: str | None = None
    wardName: str | None = None
    zoneName: str | None = None


@dataclass
class WeatherObserved(TypedEntity):
    TYPE: ClassVar[str] = "WeatherObserved"

    address: dict[str, Any] | None = None
    airQualityIndex: float | None = None
    airQualityIndexForecast: float | None = None
    airTemperatureForecast: float | None = None
    airTemperatureTSA: dict[str, Any] | None = None
    aqiMajorPollutant: str | None = None
    aqiMajorPollutantForecast: str | None = None
    areaServed: str | None = None
    dateObserved: Any | None = None
    description: str | None = None
    dewPoint: float | None = None
    diffuseIrradiation: float | None = None
    directIrradiation: float | None = None
    location: dict[str, Any] | None = None
    name: str | None = None
    precipitation: float | None = None
    precipitationForecast: float | None = None
    pressureTendency: Any | None = None
    refDevice: str | None = None
    relativeHumidityForecast: float | None = None
    snowHeight: float | None = None
    solarRadiation: float | None = None
    streamGauge: float | None = None
    uVIndexMax: float | None = None
