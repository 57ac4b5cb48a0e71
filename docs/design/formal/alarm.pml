/* The arm state with commands of an owner and a stranger, two sensors and a process that may be killed between any two steps.
 *
 * What it follows: services/events (guard.py, domain/machine.py, arming.py), vigilar_common/incoming.py and feed.py.
 * Sensor 0 is delayed, sensor 1 instant; each opens once or never. An opening is in the log of its own service before anybody
 * hears of it; the live message may come first, or never. Commands reach one thread; those on the way die with it.
 * Time only decides what is due: every delay may end at any moment, and a restart is quick enough for facts to be fresh.
 *
 * Each control (-D…) takes one rule away. `make model-check` expects the model to hold and every control to fail.
 */
#ifndef KILLS
#define KILLS 2
#endif
#ifndef OWNERS
#define OWNERS 2
#endif
#define COMMANDS 4                        /* the owner's are 0 to OWNERS-1 (3 at most), the stranger's is 3 */
#define BIT(i) (1 << (i))

mtype = { disarmed, arming, armed, pending, triggered, ARM, DISARM };

byte kills = KILLS;
mtype kept = disarmed;                    /* alarm.json */
mtype told = disarmed;                    /* the retained state topic */
bool siren = false;
byte kept_trips;                          /* in alarm.json: what set the alarm off */
byte kept_open;                           /* alarm-sensors.json: sensors known to be open */
byte cursor;                              /* of the feed, on disk: openings it is past */
byte logged, live;                        /* openings in the log; those whose live message is still under way */
byte order[2], opened;                    /* the log's order */

byte due;                                 /* openings that somebody must answer for: the house was armed */
byte noticed;                             /* openings that led to pending or an alarm, on disk */
byte answered;                            /* noticed, and then disarmed by a right PIN */
mtype promised = disarmed;                /* what was last told once it was to hold */
bool unsaid = false;                      /* more is on disk than was told */
byte ran;                                 /* commands carried out since the last start */

chan commands = [2] of { byte, mtype, bool };   /* id, action, whether the PIN is right */

/* The owner's page. */
active proctype owner() {
  byte n = 0;
  mtype action;
  do
  :: n < OWNERS ->
     atomic { if :: action = ARM :: action = DISARM fi; commands!n, action, true };
     if
     :: skip
#ifndef SAID_ONCE
     :: commands!n, action, true          /* the network says it twice */
#endif
     fi;
     n++
  :: else -> break
  od
}

/* Somebody on the broker who does not know the PIN. */
active proctype stranger() {
  if
  :: commands!3, DISARM, false
  :: commands!3, ARM, false
  fi
}

active proctype sensors() {
  byte s = 0;
  do
  :: s < 2 ->
     if
     :: atomic {
          logged = logged | BIT(s); order[opened] = s; opened++;
          if
          :: kept == armed || kept == pending -> due = due | BIT(s)
          :: else
          fi;
          if :: live = live | BIT(s) :: skip fi
        }
     :: skip                              /* nobody comes that way */
     fi;
     s++
  :: else -> break
  od
}

inline keep(new) {
  d_step {
    kept = new; unsaid = true;
    if
    :: new == disarmed -> answered = answered | noticed; due = 0; kept_trips = 0
    :: new == pending -> noticed = noticed | hot; kept_trips = hot
    :: else
    fi
  }
}

/* Everything but an alarm is on disk before it is told. */
inline become(new) {
  state = new;
#ifndef TELL_BEFORE_KEEP
  keep(new);
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
#ifndef TRUTH_NOT_KEPT
  kept_open = open;
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
#endif
#endif
  d_step { told = new; siren = (new == triggered); promised = new; unsaid = false };
#ifdef TELL_BEFORE_KEEP
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
  keep(new);
#endif
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi
}

/* An alarm sounds first and is written after. */
inline alarm() {
  state = triggered;
  siren = true;
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
  told = triggered;
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
  d_step { kept = triggered; promised = triggered; unsaid = false; noticed = noticed | hot; kept_trips = kept_trips | hot }
#ifndef TRUTH_NOT_KEPT
  ;
  if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
  kept_open = open
#endif
}

inline hear(s) {
  if
  :: !(open & BIT(s)) ->
     open = open | BIT(s);
     if
     :: s == 0 && state == armed ->
        assert(!(answered & BIT(s))); hot = BIT(s);
        become(pending)
     :: s == 1 && (state == armed || state == pending) ->
        assert(!(answered & BIT(s))); hot = BIT(s);
        alarm()
     :: else
     fi
  :: else
  fi
}

active proctype events() {
  mtype state, action;
  byte open, seen, after, s, id, hot;
  bool right;
  goto started;
killed:
  skip;
  d_step {                                 /* what was on its way to this process is lost, and what it had in memory */
    do :: nempty(commands) -> commands?id, action, right :: empty(commands) -> break od;
    live = 0; ran = 0; id = 0
  };
started:
  skip;
  d_step {
    assert(promised == kept || unsaid);   /* what was told before the kill is what holds after it */
#ifdef START_DISARMED
    state = disarmed;
#else
    state = kept;
#endif
#ifdef TRUTH_NOT_KEPT
    open = kept_open;
#else
    open = kept_open | kept_trips;
#endif
    seen = 0; hot = 0; after = cursor; s = 0; action = ARM; right = false
  };
#ifndef NO_ASSERT_AT_START
  d_step { told = state; siren = (state == triggered); promised = state; unsaid = false };
#endif
end:
  do
  :: commands?id, action, right ->
#ifndef REPEATS_CARRIED_OUT
     if
     :: seen & BIT(id) -> goto end
     :: else -> seen = seen | BIT(id)
     fi;
#endif
     assert(!(ran & BIT(id)));
     ran = ran | BIT(id);
     if
     :: !right                               /* refused */
     :: right && action == ARM && state == disarmed -> become(arming)
     :: right && action == DISARM && state != disarmed ->
        become(disarmed)
     :: else
     fi
  :: state == arming ->                      /* the exit delay is over */
     if
     :: open != 0 -> become(disarmed)        /* failed to arm */
     :: else -> become(armed)
     fi
  :: state == pending -> alarm()             /* the entry delay is over */
  :: atomic { live != 0 ->
       if
       :: live & BIT(0) -> s = 0
       :: live & BIT(1) -> s = 1
       fi;
       live = live & ~BIT(s) };
     if
     :: seen & BIT(COMMANDS + s)
     :: else -> hear(s); seen = seen | BIT(COMMANDS + s)
     fi
  :: after < opened ->
     s = order[after];
#ifdef CURSOR_FIRST
     after++; cursor = after;
     if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
#endif
     if
     :: seen & BIT(COMMANDS + s)
     :: else -> hear(s); seen = seen | BIT(COMMANDS + s)
     fi;
#ifndef CURSOR_FIRST
     after++;
     if :: skip :: atomic { kills > 0 -> kills--; goto killed } fi;
     cursor = after
#endif
  :: kept_open != open -> kept_open = open   /* every few seconds */
  :: atomic { kills > 0 -> kills--; goto killed }
  od
}

active proctype judge() {
  timeout ->
  d_step {
    assert(told == kept);                                   /* what the house shows is what holds */
    assert(siren == (kept == triggered));
    assert(due == 0 || kept == triggered)                   /* no opening of an armed house is swallowed */
  }
}
