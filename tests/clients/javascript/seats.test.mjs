// The published JavaScript client against a real server: the way from a metric to an invoice.
// The server's address and the key of a sandbox come from the environment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, getLagoError } from "lago-javascript-client";

const baseUrl = process.env.DAYCOUNT_TEST_URL;
const key = process.env.DAYCOUNT_TEST_KEY;
const client = Client(key, { baseUrl });

async function moveClock(frozenTime) {
  const response = await fetch(`${baseUrl}/test_clock`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ test_clock: { frozen_time: frozenTime } }),
  });
  assert.equal(response.status, 200);
}

test("a metric is created, found, listed, changed and deleted", async () => {
  const billable_metric = { name: "Calls", code: "calls", aggregation_type: "count_agg", recurring: false };
  const { data: created } = await client.billableMetrics.createBillableMetric({ billable_metric });
  assert.equal(created.billable_metric.code, "calls");
  const { data: found } = await client.billableMetrics.findBillableMetric("calls");
  assert.equal(found.billable_metric.lago_id, created.billable_metric.lago_id);
  const { data: changed } = await client.billableMetrics.updateBillableMetric("calls", { billable_metric: { name: "API calls" } });
  assert.equal(changed.billable_metric.name, "API calls");
  const { data: listed } = await client.billableMetrics.findAllBillableMetrics({ per_page: 10, page: 1 });
  assert.equal(listed.meta.total_count, 1);
  const { data: gone } = await client.billableMetrics.destroyBillableMetric("calls");
  assert.equal(gone.billable_metric.code, "calls");
  await assert.rejects(client.billableMetrics.findBillableMetric("calls"), (error) => error.status === 404);
});

test("seats of a month become current usage and an invoice", async () => {
  const billable_metric = {
    name: "Active Users",
    code: "seats",
    aggregation_type: "unique_count_agg",
    field_name: "user_id",
    recurring: true,
  };
  const { data: metric } = await client.billableMetrics.createBillableMetric({ billable_metric });
  const plan = {
    name: "Team Plan",
    code: "team",
    amount_cents: 0,
    amount_currency: "USD",
    interval: "monthly",
    pay_in_advance: false,
    charges: [
      {
        billable_metric_id: metric.billable_metric.lago_id,
        charge_model: "standard",
        invoiceable: true,
        prorated: true,
        properties: { amount: "10" },
      },
    ],
  };
  const { data: planned } = await client.plans.createPlan({ plan });
  assert.equal(planned.plan.charges[0].properties.amount, "10");
  assert.equal((await client.plans.findPlan("team")).data.plan.lago_id, planned.plan.lago_id);
  assert.equal((await client.plans.findAllPlans()).data.plans.length, 1);
  const customer = { external_id: "acme", name: "Acme Inc", email: "john@acme.com", currency: "USD", timezone: "America/New_York" };
  await client.customers.createCustomer({ customer });
  assert.equal((await client.customers.findCustomer("acme")).data.customer.name, "Acme Inc");
  assert.equal((await client.customers.findAllCustomers()).data.meta.total_count, 1);
  const subscription = { external_customer_id: "acme", plan_code: "team", external_id: "acme-team" };
  const { data: subscribed } = await client.subscriptions.createSubscription({ subscription });
  assert.equal(subscribed.subscription.status, "active");
  assert.equal((await client.subscriptions.findSubscription("acme-team")).data.subscription.plan_code, "team");
  assert.equal((await client.subscriptions.findAllSubscriptions()).data.subscriptions.length, 1);
  assert.equal((await client.customers.findAllCustomerSubscriptions("acme")).data.subscriptions.length, 1);

  const seat = (transaction_id, user_id, timestamp) => ({
    transaction_id,
    code: "seats",
    external_subscription_id: "acme-team",
    timestamp,
    properties: { user_id, operation_type: "add" },
  });
  // ada from 1 July 13:00Z: 31 days; ben from 10 July 15:30Z: 22 days; 53/31 of $10.00 is $17.10
  const { data: sent } = await client.events.createEvent({ event: seat("1", "ada", "1782910800") });
  assert.deepEqual(sent.event.warnings, []);
  const { data: batch } = await client.events.createBatchEvents({ events: [seat("2", "ben", "1783697400")] });
  assert.equal(batch.events.length, 1);
  const refused = await client.events.createEvent({ event: seat("1", "ada", "1782910800") }).then(() => null, getLagoError);
  assert.deepEqual(refused.error_details, { transaction_id: ["value_already_exist"] });
  assert.equal((await client.events.findEvent("2")).data.event.properties.user_id, "ben");
  assert.equal((await client.events.findAllEvents({ code: "seats" })).data.meta.total_count, 2);

  const { data: usage } = await client.customers.findCustomerCurrentUsage("acme", { external_subscription_id: "acme-team" });
  assert.equal(usage.customer_usage.amount_cents, 1710);
  assert.equal(usage.customer_usage.charges_usage[0].units, "2.0");

  await moveClock("2026-08-01T04:00:00Z");
  const { data: invoices } = await client.invoices.findAllInvoices({ external_customer_id: "acme" });
  assert.equal(invoices.invoices.length, 1);
  const { data: invoice } = await client.invoices.findInvoice(invoices.invoices[0].lago_id);
  assert.equal(invoice.invoice.total_amount_cents, 1710);
  assert.equal(invoice.invoice.fees.length, 2);
  assert.equal((await client.customers.findAllCustomerInvoices("acme")).data.invoices.length, 1);
  const { data: changed } = await client.subscriptions.updateSubscription("acme-team", { subscription: { name: "Team" } });
  assert.equal(changed.subscription.name, "Team");
  const { data: ended } = await client.subscriptions.destroySubscription("acme-team");
  assert.equal(ended.subscription.status, "terminated");
});
