import { request } from '../api/client';

/** `[id, name]` of each pet of the house, to choose from; none where nobody tells them apart or that cannot be asked. */
export async function petNames(): Promise<[string, string][]> {
  try {
    const { items } = await request<{ items: { pet_id: string; name: string }[] | null }>('GET', '/api/v1/pets');
    return (items ?? []).map((pet) => [pet.pet_id, pet.name]);
  } catch {
    return []; // the list of events says what is wrong
  }
}

/** What is chosen stands there too, known or not. */
export function withChosen(pets: readonly [string, string][], id: string): readonly [string, string][] {
  return !id || pets.some(([one]) => one === id) ? pets : [...pets, [id, id]];
}
