/* The way of a fact: outbox of its producer, storage's log, feed of a consumer, outbox of the consumer, log again.
 *
 * What it follows: vigilar_common/outbox.py, storage's POST and GET /v1/facts, vigilar_common/feed.py, derived_id.
 * A bit or an index stands for a fact: 0..N-1 are told by the producer, N+i is what the consumer derives of i.
 * Any process may be killed between any two steps that are not one commit, KILLS times in all; answers get lost,
 * requests arrive late, live messages come twice, late or never, and a backup may be restored once.
 *
 * Each control (-D…) takes one rule away. `make model-check` expects the model to hold and every control to fail.
 */
#define N 2
#ifndef KILLS
#define KILLS 3
#endif
#define ALL (2 * N)
#define BIT(i) (1 << (i))

byte kills = KILLS;
byte intended, confirmed, outbox, late;   /* of the producer: sets of facts; late: a request that is still under way */
byte rows[ALL];                           /* storage: rows of each fact, after COMMIT */
byte log[8 * N];                          /* its order; room for the doubles that a control makes */
byte log_n;                               /* newest commit number */
byte epoch, gone;                         /* gone: facts that a restore took back */
byte kept_after, kept_epoch;              /* the consumer's cursor, on disk */
byte derived;                             /* the consumer's outbox: facts it derived, as a set of what they derive from */
byte acted;                               /* what it ever acted on; only a control asks */
bool told = false, restored = false;

inline insert(i) {
#ifdef NO_CONFLICT_CLAUSE
  rows[i]++; log[log_n] = i; log_n++
#else
  if
  :: rows[i] == 0 -> rows[i] = 1; log[log_n] = i; log_n++
  :: else
  fi
#endif
}

inline commit(set) {                      /* one transaction, in order of the outbox */
  d_step {
    k = 0;
    do
    :: k < N -> if :: (set & BIT(k)) -> insert(k) :: else fi; k++
    :: else -> break
    od
  }
}

/* put: the caller hears that it is kept only after the fsync */
active proctype producer() {
  byte f = 0;
  do
  :: f < N ->
     intended = intended | BIT(f);
#ifdef CONFIRM_BEFORE_FSYNC
     confirmed = confirmed | BIT(f);
     if
     :: outbox = outbox | BIT(f)
     :: atomic { kills > 0 -> kills-- }
     fi;
#else
     if
     :: outbox = outbox | BIT(f);
        if
        :: confirmed = confirmed | BIT(f)
        :: atomic { kills > 0 -> kills-- }           /* kept, and nobody was told */
        fi
     :: atomic { kills > 0 -> kills-- }              /* killed before the fsync */
     fi;
#endif
     f++
  :: else -> break
  od;
  told = true
}

/* drain: deletes only what storage answered for */
active proctype drain() {
  byte batch, k;
  bool answered;
  do
  :: outbox != 0 ->
     batch = outbox;
#ifdef DELETE_WHEN_SENT
     outbox = outbox & ~batch;
#endif
     answered = false;
     if
     :: commit(batch); answered = true
     :: atomic { kills > 0 -> kills--; commit(batch) }                   /* storage is killed after COMMIT: no answer */
     :: atomic { kills > 0 -> kills-- }                                  /* before it */
     :: atomic { kills > 0 && late == 0 -> kills--; late = batch }       /* the client gives up, the request lives on */
     fi;
     if
     :: answered ->
        if
        :: outbox = outbox & ~batch
        :: atomic { kills > 0 -> kills-- }                               /* killed before it deletes: sent again */
        fi
     :: else
     fi
  :: told && outbox == 0 -> break
  od
}

active proctype network() {
  byte k;
end:
  do
  :: atomic { late != 0 -> commit(late); late = 0 }
  od
}

/* what a handler does is on disk when it returns; the cursor moves after it */
inline act(i) {
#ifdef RANDOM_DERIVED_ID
  d_step {
    if
    :: (acted & BIT(i)) && rows[N + i] > 0 -> rows[N + i]++       /* another id: another row */
    :: else -> derived = derived | BIT(i)
    fi;
    acted = acted | BIT(i)
  }
#else
  derived = derived | BIT(i)
#endif
}

active proctype consumer() {
  byte after, of_epoch, i, last, read;
  byte seen;                                         /* ids handled, in memory */
restart:
  after = kept_after; of_epoch = kept_epoch; seen = 0;
end:
  do
  :: atomic { of_epoch != epoch ->                   /* a foreign epoch: the log is read from its beginning */
       of_epoch = epoch;
#ifndef EPOCH_IGNORED
       after = 0
#endif
     }
  :: atomic { of_epoch == epoch && after < log_n -> i = log[after]; last = after + 1 };
#ifdef CURSOR_FIRST
     after = last; kept_after = after; kept_epoch = of_epoch;
     if
     :: skip
     :: atomic { kills > 0 -> kills--; goto restart }
     fi;
#endif
     if
     :: i < N && !(seen & BIT(i)) -> act(i); seen = seen | BIT(i)
     :: else
     fi;
     if
     :: skip
     :: atomic { kills > 0 -> kills--; goto restart }
     fi;
#ifndef CURSOR_FIRST
     after = last;
     d_step { kept_after = after; kept_epoch = of_epoch }
#endif
  :: atomic { (outbox & BIT(0)) && !(seen & BIT(0)) -> act(0); seen = seen | BIT(0) }   /* live: before it is in the log */
  :: atomic { kills > 0 && (outbox & BIT(0)) -> kills--; act(0); goto restart }         /* and killed with the id forgotten */
  od
}

/* the consumer's own outbox: nothing new in its way, so that sending and deleting is one step */
active proctype second_drain() {
end:
  do
  :: d_step { (derived & BIT(0)) -> insert(N); derived = derived & ~BIT(0) }
  :: d_step { (derived & BIT(1)) -> insert(N + 1); derived = derived & ~BIT(1) }
  od
}

/* a backup of an earlier moment comes back, as an epoch of its own */
active proctype operator() {
  byte left, k;
end:
  if
  :: atomic { !restored && log_n > 0 ->
       restored = true;
       if :: left = 0 :: left = log_n - 1 fi;
       do
       :: log_n > left ->
          log_n--; k = log[log_n];
          rows[k] = 0; gone = gone | BIT(k)
       :: else -> break
       od;
       epoch++ }
  fi
}

/* when nothing can happen any more */
active proctype judge() {
  byte k;
  timeout ->
  d_step {
    k = 0;
    do
    :: k < N ->
       assert(!(confirmed & BIT(k)) || rows[k] > 0 || (gone & BIT(k)));        /* nothing confirmed is lost */
       assert(rows[k] <= 1);                                                   /* nothing is doubled */
       assert(rows[k] == 0 || (intended & BIT(k)));                            /* nothing is made up */
       assert(rows[N + k] <= 1);
       assert(rows[k] == 0 || rows[N + k] == 1 || (gone & BIT(N + k)));        /* each is acted on, once */
       k++
    :: else -> break
    od
  }
}
