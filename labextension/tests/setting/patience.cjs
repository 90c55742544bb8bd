/** What a test waits for may come late on a busy machine: a second is not enough there. */
require('@testing-library/dom').configure({ asyncUtilTimeout: 20_000 });
