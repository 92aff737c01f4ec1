import type { Fact } from '../../src/model/facts.js';
import { Journal } from '../../src/orchestrator/core/journal.js';

/** What a faulty journal throws. */
export class Injected extends Error {}

/** A journal that throws right after it has recorded a fact, where it is told to: as a bug in a handler would. */
export class FaultyJournal extends Journal {
  /** Whether it throws at this fact. */
  fails: (fact: Fact) => boolean = () => false;

  override record(fact: Fact): number {
    const seq = super.record(fact);
    if (this.fails(fact)) throw new Injected(`a throw at ${fact.type}`);
    return seq;
  }
}
