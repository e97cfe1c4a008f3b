package org.example.weather

import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.map

const val FREEZING = 0.0

typealias Readings = List<Reading>

/** One measurement. */
data class Reading(val celsius: Double, val station: String)

sealed interface Forecast {
    data class Sunny(val hours: Int) : Forecast
    object Unknown : Forecast
}

enum class Wind(val knots: Int) {
    CALM(0),
    STORM(48);

    fun isDangerous(): Boolean {
        val limit = STORM.knots
        return knots >= limit
    }
}

fun interface Listener {
    fun changed(reading: Reading)
}

// Stations report at their own pace.
class Station(private val name: String) {
    private val listeners = mutableListOf<Listener>()

    var last: Reading? = null
        private set

    init {
        require(name.isNotBlank()) { "a station has a name" }
    }

    constructor(name: String, first: Reading) : this(name) {
        last = first
        listeners.forEach { it.changed(first) }
    }

    val isFreezing: Boolean
        get() = (last?.celsius ?: FREEZING) < FREEZING

    /**
     * Takes a new reading and tells everyone.
     */
    @Synchronized
    fun report(reading: Reading) {
        last = reading
        for (listener in listeners) {
            listener.changed(reading)
        }
    }

    companion object {
        private val known = HashMap<String, Station>()

        fun named(name: String): Station {
            val station = known.getOrPut(name) { Station(name) }
            return station
        }
    }
}

object Registry {
    fun all(): Readings = emptyList()
}

fun Flow<Reading>.averages(window: Int): Flow<Double> {
    val recent = ArrayDeque<Double>()
    return map { reading ->
        recent.addLast(reading.celsius)
        if (recent.size > window) recent.removeFirst()
        recent.average()
    }
}

fun Reading.fahrenheit() = celsius * 9 / 5 + 32

fun describe(value: Any?, where: Station?): String {
    where?.let {
        it.report(Reading(FREEZING, "here"))
    }
    return when (value) {
        is Double if value < FREEZING -> "cold"
        is Double -> "warm"
        else -> "unknown"
    }
}
