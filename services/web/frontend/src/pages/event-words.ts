import type { Severity } from '../api/types';

/** Those that people ask for; a link may name any other. */
export const CLASSES: readonly string[] = ['person', 'vehicle', 'animal', 'car', 'truck', 'bus', 'motorcycle', 'bicycle', 'dog', 'cat', 'bird'];
export const SEVERITIES: readonly Severity[] = ['info', 'alert', 'critical'];
export const TYPES: readonly string[] = ['object', 'motion', 'vehicle', 'package', 'package_taken', 'alarm_triggered', 'sensor_opened', 'failed_to_arm', 'camera_offline', 'camera_online', 'power_out', 'power_low', 'power_back', 'host_shutdown', 'rule'];
