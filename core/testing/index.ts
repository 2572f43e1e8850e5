/** `conclave/testing`: services and recipes on whole clusters that are simulated in one process, and what was seen there judged. */
export * from './simulate.js';
export {
  type Effects,
  type Link,
  type LinkMode,
  type MemberOptions,
  type Reached,
  ViolationError,
  type VirtualClient,
  type VirtualMember,
  World,
  type WorldOptions,
} from './simulation/world.js';
export * as matchers from './matchers/matchers.js';
