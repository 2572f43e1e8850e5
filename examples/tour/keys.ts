/** What the workers write, by key, so that the director can check it. */
export const CHARGED = 'tour/charged/';
export const PAYMENTS = 'tour/payments/';
export const SEGMENTS = 'tour/index/segments/';
export const CHECKPOINT_KEY = 'tour/index/checkpoint';

export const chargedKey = (order: string) => `${CHARGED}${order}`;
export const paymentKey = (order: string, worker: string) => `${PAYMENTS}${order}/${worker}`;
export const segmentKey = (segment: number, term: number) => `${SEGMENTS}${String(segment).padStart(4, '0')}/${term}`;
